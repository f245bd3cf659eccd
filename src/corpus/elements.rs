//! The elements of a JSON array one after the other, however long the array is.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::encoding::{NotUtf8, TextEncoding};
use crate::error::{Error, Result};

/// Cuts the array of a file into its elements, holding one of them at a time. Only their bounds are
/// looked for; what stands in them is for others to read.
pub(crate) struct JsonArray {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    line: u64,
    state: State,
}

/// The bytes of an element and the line that it begins on.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) line: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Element {
    /// Its text, or what is wrong with it.
    pub(crate) fn text(&self, encoding: Option<TextEncoding>) -> std::result::Result<&str, String> {
        std::str::from_utf8(&self.bytes)
            .map_err(|error| NotUtf8::new(&self.bytes, error).message(encoding))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the bracket that opens the array.
    Before,
    /// After that bracket: an element or the end.
    First,
    /// After a comma: an element.
    Expected,
    /// After an element: a comma or the end.
    After,
    /// After the bracket that closes the array.
    Ended,
}

/// Where in an element the last byte stood.
#[derive(Clone, Copy, Default)]
struct Inside {
    depth: usize,
    string: bool,
    escaped: bool,
}

/// What a byte is to the element that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Within,
    /// Its last byte.
    Last,
    /// The first behind it.
    Behind,
}

impl Inside {
    fn step(&mut self, byte: u8) -> Step {
        if self.string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.string = false,
                _ => {}
            }
            let ends = !self.string && self.depth == 0;
            return if ends { Step::Last } else { Step::Within };
        }
        match byte {
            b'"' => self.string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                if self.depth == 0 {
                    return Step::Last;
                }
            }
            b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                return Step::Behind;
            }
            _ => {}
        }
        Step::Within
    }
}

impl JsonArray {
    /// Reads from an open file.
    pub(crate) fn new(path: &Path, reader: Box<dyn BufRead + Send>) -> Self {
        Self {
            path: path.into(),
            reader,
            line: 1,
            state: State::Before,
        }
    }

    /// The next element; nothing after the last.
    ///
    /// # Errors
    /// When the file cannot be read, ends before its array, or is no array; names the line.
    pub(crate) fn next_element(&mut self) -> Result<Option<Element>> {
        loop {
            let Some(byte) = self.next_byte()? else {
                return match self.state {
                    State::Ended | State::Before => Ok(None),
                    _ => Err(self.error("the list is not closed: the file was cut short")),
                };
            };
            self.state = match (self.state, byte) {
                (state, b' ' | b'\t' | b'\r' | b'\n') => state,
                // A byte order mark.
                (State::Before, 0xEF | 0xBB | 0xBF) => State::Before,
                (State::Before, b'[') => State::First,
                (State::First | State::After, b']') => State::Ended,
                (State::After, b',') => State::Expected,
                (State::First | State::Expected, b',' | b']' | b'}') => {
                    return Err(self.error("an element of the list is missing here"));
                }
                (State::First | State::Expected, first) => {
                    self.state = State::After;
                    return self.element(first).map(Some);
                }
                (State::Before, _) => return Err(self.error("no list of JSON objects")),
                (State::After, _) => {
                    return Err(self.error("the elements of the list have no comma between them"));
                }
                (State::Ended, _) => {
                    return Err(self.error("something follows the end of the list"));
                }
            };
        }
    }

    fn error(&self, message: &str) -> Error {
        Error::Row {
            path: self.path.clone(),
            line: self.line,
            message: message.into(),
        }
    }

    fn next_byte(&mut self) -> Result<Option<u8>> {
        let buffer = self.reader.fill_buf();
        let byte = buffer
            .map_err(|error| Error::io(&self.path, error))?
            .first()
            .copied();
        if byte.is_some() {
            self.reader.consume(1);
        }
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    /// The element of which the first byte was read.
    fn element(&mut self, first: u8) -> Result<Element> {
        let line = self.line;
        let mut bytes = vec![first];
        let mut inside = Inside::default();
        inside.step(first);
        loop {
            let buffer = self.reader.fill_buf();
            let buffer = buffer.map_err(|error| Error::io(&self.path, error))?;
            if buffer.is_empty() {
                self.line = line;
                return Err(self
                    .error("the element that begins here is not closed: the file was cut short"));
            }
            let end =
                buffer
                    .iter()
                    .enumerate()
                    .find_map(|(place, &byte)| match inside.step(byte) {
                        Step::Within => None,
                        Step::Last => Some(place + 1),
                        Step::Behind => Some(place),
                    });
            let part = &buffer[..end.unwrap_or(buffer.len())];
            bytes.extend_from_slice(part);
            self.line += memchr::memchr_iter(b'\n', part).count() as u64;
            let read = part.len();
            self.reader.consume(read);
            if end.is_some() {
                return Ok(Element { line, bytes });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn elements(content: &[u8], buffer: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let reader =
            std::io::BufReader::with_capacity(buffer, std::io::Cursor::new(content.to_vec()));
        let mut array = JsonArray::new(Path::new("t"), Box::new(reader));
        let mut found = Vec::new();
        while let Some(element) = array.next_element()? {
            found.push((element.line, element.bytes));
        }
        Ok(found)
    }

    #[test]
    fn lines_are_those_on_which_elements_begin() {
        let found = elements(
            b"\xEF\xBB\xBF[\n {\"a\":\n1},\n\n\n {\"b\":\"]\\\"\"} ]\n",
            3,
        )
        .unwrap();
        let lines: Vec<u64> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 6]);
        assert_eq!(elements(b" [ ] ", 2).unwrap(), []);
    }

    #[test]
    fn what_is_no_whole_array_is_told_with_its_line() {
        for (content, line, words) in [
            ("[\n{\"a\":1},\n{\"b\":", 3, "cut short"),
            ("[{}\n", 2, "cut short"),
            ("[{},]", 1, "missing"),
            ("[{} {}]", 1, "no comma"),
            ("[7 8]", 1, "no comma"),
            ("[\"a", 1, "cut short"),
            ("{}", 1, "no list"),
            ("[{}]\nx", 2, "follows"),
        ] {
            let error = elements(content.as_bytes(), 4).unwrap_err().to_string();
            let line = format!("t, line {line}: ");
            assert!(error.starts_with(&line) && error.contains(words), "{error}");
        }
    }

    proptest! {
        #[test]
        fn elements_are_those_of_the_whole_array(
            values in proptest::collection::vec(
                proptest::sample::select(vec![
                    "{}", "{\"a\":[1,{\"b\":\"}],\"}]}", "\"\\\\\\\"]\"", "12", "[[],[\"\\\"\"]]", "null",
                ]),
                0..6,
            ),
            space in proptest::sample::select(vec!["", " ", "\n", "\r\n\t"]),
            buffer in 1_usize..9,
        ) {
            let content = format!("{space}[{space}{}{space}]{space}", values.join(&format!("{space},{space}")));
            let found = elements(content.as_bytes(), buffer).unwrap();
            let found: Vec<serde_json::Value> =
                found.iter().map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect();
            let whole: Vec<serde_json::Value> = serde_json::from_str(&content).unwrap();
            prop_assert_eq!(found, whole);
        }
    }
}
