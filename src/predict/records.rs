//! Records of CSV and TSV, cell by cell.

/// The cells of one record, separated by commas or tabs.
pub(crate) struct Cells<'o> {
    pub(super) output: &'o mut Vec<u8>,
    delimiter: u8,
}

impl<'o> Cells<'o> {
    pub(crate) fn new(output: &'o mut Vec<u8>, delimiter: u8) -> Self {
        Self { output, delimiter }
    }

    /// A cell that holds no sign to be quoted.
    pub(crate) fn bare(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(self.output);
        self.output.push(self.delimiter);
    }

    pub(crate) fn of(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.output.len();
        write(self.output);
        self.close(start);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.of(|cell| cell.extend_from_slice(text.as_bytes()));
    }

    /// Ends the cell that begins at `start`.
    fn close(&mut self, start: usize) {
        let cell = &mut self.output[start..];
        if self.delimiter == b'\t' {
            // TSV has no quotes: a tab or line break in a cell would break the row.
            for byte in cell {
                let breaks = matches!(*byte, b'\t' | b'\n' | b'\r');
                // Written in any case, so that the compiler can use wide registers.
                *byte = if breaks { b' ' } else { *byte };
            }
        } else if memchr::memchr3(b',', b'"', b'\n', cell).is_some() || cell.contains(&b'\r') {
            let plain = self.output.split_off(start);
            self.output.push(b'"');
            for &byte in &plain {
                self.output.push(byte);
                if byte == b'"' {
                    self.output.push(byte);
                }
            }
            self.output.push(b'"');
        }
        self.output.push(self.delimiter);
    }

    pub(crate) fn end_row(self) {
        if let Some(last) = self.output.last_mut() {
            *last = b'\n';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cells_are_those_of_the_csv_crate(texts in proptest::collection::vec("[,\"\r\n\ta|# غ]{0,6}", 2..5)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&texts).unwrap();
            let mut output = b"before".to_vec();
            let mut cells = Cells::new(&mut output, b',');
            texts.iter().for_each(|text| cells.text(text));
            cells.end_row();
            prop_assert_eq!(&output[6..], writer.into_inner().unwrap());
        }
    }
}
