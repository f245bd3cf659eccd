//! Annotated corpora from one format into another, with nothing lost that the other can hold.

mod columns;
mod label_studio;
mod lines;
mod losses;
mod survey;
mod tables;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::columnar::Container;
use crate::corpus::{
    CodingColumns, CorpusReader, CorpusRow, KNOWN_FIELDS, KeptFields, LabelSet, ReadCounts,
    can_be_read_twice, ending,
};
use crate::error::{Error, Result};
use losses::Losses;
use survey::Survey;

/// Formats in which corpora are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum WrittenFormat {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// JSON Lines of doccano.
    Doccano,
    /// Tasks of Label Studio with annotations.
    #[value(alias = "labelstudio")]
    LabelStudio,
    /// JSON Lines of Prodigy's choice interface.
    Prodigy,
    /// Parquet, compressed with Snappy.
    Parquet,
    /// Arrow IPC file.
    Arrow,
}

/// What must be known of all rows before the first is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// The labels and fields.
    Survey,
    /// The rows themselves.
    Rows,
}

impl WrittenFormat {
    /// The format that a file's name asks for.
    pub fn of(path: &Path) -> Option<Self> {
        match ending(path).as_str() {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "json" => Some(Self::LabelStudio),
            "parquet" => Some(Self::Parquet),
            "arrow" | "feather" | "ipc" => Some(Self::Arrow),
            _ => None,
        }
    }

    /// Whether it is compressed in itself, and no text.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }

    /// Whether it is a table of text.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv)
    }

    fn needs(self) -> Needs {
        match self {
            Self::Jsonl | Self::Doccano => Needs::Nothing,
            Self::Csv | Self::Tsv | Self::Prodigy | Self::Parquet | Self::Arrow => Needs::Survey,
            Self::LabelStudio => Needs::Rows,
        }
    }
}

/// How a corpus is converted.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// The format of the output.
    pub format: WrittenFormat,
    /// Whether tables have a column of 0 and 1 for each label.
    pub wide: bool,
    /// Whether tables begin with a byte order mark.
    pub byte_order_mark: bool,
    /// Columns of another coding scheme, added to the fields.
    pub columns: Option<CodingColumns>,
}

/// What was converted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Rows written.
    pub rows: usize,
    /// Rows among them without annotation.
    pub unannotated: usize,
    /// What was read; see [`crate::corpus::CorpusRows::counts`].
    pub counts: ReadCounts,
    /// What the format could not hold, a line each.
    pub losses: Vec<String>,
    /// All labels that hold in some row.
    pub labels: LabelSet,
}

/// Writes rows in one format.
trait RowsWriter {
    fn write(&mut self, row: CorpusRow, losses: &mut Losses) -> io::Result<()>;

    /// Writes what stands at the end.
    fn finish(&mut self, losses: &mut Losses) -> io::Result<()>;
}

/// Converts the corpus of some files into one, which is written to `output`, named `target` in
/// errors. All fields are kept, and rows without annotation.
///
/// Rows are converted one by one where the format allows it; for tables, Parquet, Arrow and Prodigy the
/// files are read twice, first to find labels and fields, and pipes are held in memory; for Label Studio
/// all rows are, since one task has the annotations of all its annotators.
///
/// # Errors
/// At the first file that cannot be read, row that cannot be understood, or failure to write; when there
/// are no rows, or they have a field named like a column to be added.
pub fn convert(
    reader: &CorpusReader,
    paths: &[PathBuf],
    how: &Conversion,
    output: &mut (dyn Write + Send),
    target: &Path,
    progress: &dyn Fn(usize),
) -> Result<Converted> {
    let reader = reader.clone().keeping(KeptFields::All);
    let needs = how.format.needs();
    let hold = needs == Needs::Rows || !paths.iter().all(|path| can_be_read_twice(path));
    let mut survey = Survey::default();
    let mut held = Vec::new();
    let mut first = reader.rows(paths);
    if needs != Needs::Nothing {
        for row in first.by_ref() {
            let row = how.with_columns(row?)?;
            survey.add(&row);
            if hold {
                held.push(row);
            }
        }
        if survey.rows == 0 {
            return Err(no_rows());
        }
    }
    let mut again = reader.rows(paths);
    let read_again = needs == Needs::Nothing || !hold;
    let rows: Box<dyn Iterator<Item = Result<CorpusRow>>> = match read_again {
        true => Box::new(again.by_ref().map(|row| how.with_columns(row?))),
        false => Box::new(held.into_iter().map(Ok)),
    };
    let writing = |error| Error::io(target, error);
    let mut losses = Losses::default();
    let mut converted = Converted::default();
    let mut output = BufWriter::new(output);
    let mut writer = how
        .writer(&survey, &mut output, &mut losses)
        .map_err(|refusal| refusal.into_error(target))?;
    for row in rows {
        let row = row?;
        converted.rows += 1;
        converted.unannotated += usize::from(row.labels.is_none());
        let labels = row.labels.iter().flatten();
        for label in labels {
            if !converted.labels.contains(label) {
                converted.labels.insert(label.clone());
            }
        }
        writer.write(row, &mut losses).map_err(writing)?;
        progress(converted.rows);
    }
    if converted.rows == 0 {
        return Err(no_rows());
    }
    writer.finish(&mut losses).map_err(writing)?;
    drop(writer);
    converted.losses = losses.lines();
    converted.counts = if read_again {
        again.counts()
    } else {
        first.counts()
    }
    .clone();
    Ok(converted)
}

/// Writes rows that are at hand; `labels` are those that an annotator chooses from, where the format
/// says so.
///
/// # Errors
/// When writing fails, or the format cannot hold a field; `target` is named.
pub(crate) fn write_rows(
    rows: Vec<CorpusRow>,
    labels: &[String],
    format: WrittenFormat,
    output: &mut (dyn Write + Send),
    target: &Path,
) -> Result<()> {
    let how = Conversion {
        format,
        wide: false,
        byte_order_mark: false,
        columns: None,
    };
    let mut survey = Survey::default();
    rows.iter().for_each(|row| survey.add(row));
    survey.labels.extend(labels.iter().cloned());
    let mut losses = Losses::default();
    let writing = |error| Error::io(target, error);
    let mut output = BufWriter::new(output);
    let mut writer = how
        .writer(&survey, &mut output, &mut losses)
        .map_err(|refusal| refusal.into_error(target))?;
    for row in rows {
        writer.write(row, &mut losses).map_err(writing)?;
    }
    writer.finish(&mut losses).map_err(writing)?;
    drop(writer);
    output.flush().map_err(writing)
}

fn no_rows() -> Error {
    Error::Corpus("the corpus is empty: no row was found".into())
}

/// Why a writer could not begin.
enum Refusal {
    Io(io::Error),
    /// What is wrong and what to do.
    Told(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Refusal {
    fn into_error(self, target: &Path) -> Error {
        match self {
            Self::Io(error) => Error::io(target, error),
            Self::Told(message) => Error::File {
                path: target.into(),
                message,
            },
        }
    }
}

impl Conversion {
    /// The first of the columns to be added that has the name of another column.
    pub fn clash(&self) -> Option<&str> {
        let names = self.columns.iter().flat_map(CodingColumns::names);
        let mut names = names.map(String::as_str);
        names.find(|name| KNOWN_FIELDS.contains(name))
    }

    fn writer<'o>(
        &self,
        survey: &Survey,
        output: &'o mut (dyn Write + Send),
        losses: &mut Losses,
    ) -> std::result::Result<Box<dyn RowsWriter + 'o>, Refusal> {
        Ok(match self.format {
            WrittenFormat::Jsonl => Box::new(lines::own(output)),
            WrittenFormat::Doccano => Box::new(lines::doccano(output)),
            WrittenFormat::Prodigy => Box::new(lines::prodigy(output, &survey.labels)),
            WrittenFormat::LabelStudio => Box::new(label_studio::Tasks::new(output)),
            WrittenFormat::Csv => Box::new(tables::Table::new(self, b',', survey, output, losses)?),
            WrittenFormat::Tsv => {
                Box::new(tables::Table::new(self, b'\t', survey, output, losses)?)
            }
            WrittenFormat::Parquet => {
                Box::new(columns::Batches::new(Container::Parquet, survey, output)?)
            }
            WrittenFormat::Arrow => {
                Box::new(columns::Batches::new(Container::ArrowFile, survey, output)?)
            }
        })
    }

    /// The row with the values of the columns to be added.
    fn with_columns(&self, mut row: CorpusRow) -> Result<CorpusRow> {
        let Some(columns) = &self.columns else {
            return Ok(row);
        };
        let values = match &row.labels {
            Some(labels) => columns.values(labels.iter().map(String::as_str)),
            None => Vec::new(),
        };
        let mut values = values.into_iter();
        let mut coded = Map::new();
        for name in columns.names() {
            let value = values.next().map_or(Value::Null, Value::String);
            coded.insert(name.clone(), value);
        }
        if self.format == WrittenFormat::Jsonl {
            coded = Map::from_iter([("columns".to_owned(), Value::Object(coded))]);
        }
        for (name, value) in coded {
            if row.fields.contains_key(&name) {
                return Err(Error::Row {
                    path: row.file.to_path_buf(),
                    line: row.line,
                    message: format!(
                        "there is a field {name:?} already; name the column otherwise in the file of --columns"
                    ),
                });
            }
            row.fields.insert(name, value);
        }
        Ok(row)
    }
}
