//! Records of annotated files one by one, for corpora larger than memory.

use std::path::PathBuf;
use std::sync::Arc;

use super::files::{STANDARD_INPUT, can_be_read_twice};
use super::format::{CorpusFile, files_of};
use super::read::CorpusReader;
use super::record::{ReadCounts, Record};
use super::rows::{FileRows, NumberedRow};
use crate::error::{Error, Result};

/// Reads the records of some files one by one; ends after the first error.
pub struct RecordStream<'a> {
    reader: &'a CorpusReader,
    paths: std::slice::Iter<'a, PathBuf>,
    /// The files of the current path that were not opened yet.
    files: std::vec::IntoIter<CorpusFile>,
    current: Option<(Arc<PathBuf>, FileRows)>,
    counts: ReadCounts,
}

impl<'a> RecordStream<'a> {
    pub(super) fn new(reader: &'a CorpusReader, paths: &'a [PathBuf]) -> Self {
        Self {
            reader,
            paths: paths.iter(),
            files: Vec::new().into_iter(),
            current: None,
            counts: ReadCounts::default(),
        }
    }

    /// What was read so far and what was left out; repeats and contradictions are not counted.
    pub fn counts(&self) -> &ReadCounts {
        &self.counts
    }

    /// The next row with its file; nothing at the end of the last file.
    pub(super) fn row(&mut self) -> Result<Option<(Arc<PathBuf>, NumberedRow)>> {
        loop {
            let Some((file, rows)) = &mut self.current else {
                let reading = self.reader.reading();
                if let Some(file) = self.files.next() {
                    let rows = FileRows::open(&file, reading)?;
                    self.current = Some((Arc::new(file.path), rows));
                } else if let Some(path) = self.paths.next() {
                    self.files = files_of(path, reading)?.into_iter();
                } else {
                    return Ok(None);
                }
                continue;
            };
            match rows.next().transpose()? {
                Some(row) => return Ok(Some((file.clone(), row))),
                None => self.current = None,
            }
        }
    }

    fn record(&mut self) -> Result<Option<Record>> {
        while let Some((file, row)) = self.row()? {
            let line = row.0;
            let Some(read) = self.reader.record(&file, row, &mut self.counts)? else {
                continue;
            };
            if read.asked.is_some() {
                return Err(Error::Row {
                    path: file.to_path_buf(),
                    line,
                    message: "an answer to one label, which must be joined with those to others; train without --stream".into(),
                });
            }
            return Ok(Some(read.record));
        }
        Ok(None)
    }
}

impl Iterator for RecordStream<'_> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.record();
        if record.is_err() {
            (self.paths, self.files, self.current) = Default::default();
        }
        record.transpose()
    }
}

/// Refuses what cannot be read several times: standard input, and pipes.
///
/// # Errors
/// Names the first.
pub(crate) fn refuse_pipes(paths: &[PathBuf]) -> Result<()> {
    // What is wrong with a file that is not there is told when it is opened.
    let Some(path) = paths.iter().find(|path| !can_be_read_twice(path)) else {
        return Ok(());
    };
    let name = match path.as_os_str() == STANDARD_INPUT {
        true => "standard input",
        false => "a pipe",
    };
    Err(Error::File {
        path: path.clone(),
        message: format!("{name} cannot be read twice; name a file"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{Aliases, Contradictions};

    #[test]
    fn rows_are_those_of_the_whole_corpus() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        let paths = [
            write(
                "a.jsonl",
                "{\"text\":\"a\",\"labels\":[\"x.y\"]}\n\n{\"text\":\"b\"}\n",
            ),
            write("empty.tsv", ""),
            write("b.csv", "text,x.y,z\nc,1,0\nd,0,\n"),
            write("c.tsv", "z|x.y\te\nnone\tf\n"),
            write("d.tsv", "doc\tlabel\ttext\n1\tz\tg\n"),
        ];
        let reader = CorpusReader::new(Aliases::default(), Contradictions::Keep);
        let whole = reader.read(&paths).unwrap();
        let mut stream = reader.stream(&paths);
        let streamed: Vec<Record> = stream.by_ref().map(Result::unwrap).collect();
        assert_eq!(format!("{:?}", whole.records()), format!("{streamed:?}"));
        assert_eq!(whole.counts(), stream.counts());
        assert_eq!(streamed.len(), 6);
    }

    #[test]
    fn errors_name_the_row_and_end_the_stream() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tsv");
        std::fs::write(&path, "x\ta\ny\n").unwrap();
        let (reader, paths) = (CorpusReader::default(), [path]);
        let rows: Vec<Result<Record>> = reader.stream(&paths).collect();
        assert!(rows[0].is_ok() && rows.len() == 2);
        let error = rows[1].as_ref().unwrap_err().to_string();
        assert!(error.contains("a.tsv, line 2: 1 fields"), "{error}");
    }
}
