//! Folders of brat: a text in `NAME.txt` and what is marked in it in `NAME.ann` (the standoff format).
//!
//! Types of text-bound annotations (T) and of events (E, where their trigger stands) are labels;
//! relations, attributes, equivalences, normalisations and notes say nothing of a sentence.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::spans::{Places, Span, sentences};
use crate::corpus::encoding::{NotUtf8, TextEncoding};
use crate::corpus::files::open_text;
use crate::corpus::row::RawRow;
use crate::corpus::rows::NumberedRow;
use crate::error::{Error, Result, shortened};

const TEXT_ENDING: &str = "txt";
const MARKS_ENDING: &str = "ann";
/// First letters of lines that say nothing of a sentence: relations, attributes and modifications,
/// normalisations, notes, equivalences.
const OTHER_LINES: &[char] = &['R', 'A', 'M', 'N', '#', '*'];

/// The texts of a folder and the folders in it, in the order of their names; nothing when none has an
/// `.ann` file.
///
/// # Errors
/// When a folder cannot be read.
pub(crate) fn texts_of_folder(folder: &Path) -> Result<Option<Vec<PathBuf>>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| Error::io(&folder, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Error::io(&folder, error))?;
            let kind = entry
                .file_type()
                .map_err(|error| Error::io(entry.path(), error))?;
            match kind.is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    let ends = |path: &Path, ending: &str| path.extension().is_some_and(|found| found == ending);
    if !files.iter().any(|path| ends(path, MARKS_ENDING)) {
        return Ok(None);
    }
    let mut texts: Vec<PathBuf> = files
        .into_iter()
        .filter(|path| ends(path, TEXT_ENDING) || ends(path, MARKS_ENDING))
        .map(|path| path.with_extension(TEXT_ENDING))
        .collect();
    texts.sort();
    texts.dedup();
    Ok(Some(texts))
}

/// The text that a path is one of a pair with: itself where an `.ann` file stands beside it.
pub(in crate::corpus) fn text_of_pair(path: &Path) -> Option<PathBuf> {
    let ending = path.extension()?;
    if ending == MARKS_ENDING {
        return Some(path.with_extension(TEXT_ENDING));
    }
    let has_marks = ending == TEXT_ENDING && path.with_extension(MARKS_ENDING).is_file();
    has_marks.then(|| path.to_path_buf())
}

/// The sentences of a text with the labels that its `.ann` file gives them. Without that file they are
/// not annotated. The text is a document with the name of its file; where it was found in a `folder`,
/// with its path below that, as files of one name may lie in several folders.
///
/// # Errors
/// When a file cannot be read, or a line of the `.ann` file cannot be understood or does not fit the text.
pub(in crate::corpus) fn rows(
    text_path: &Path,
    folder: Option<&Path>,
    encoding: Option<TextEncoding>,
) -> Result<Vec<NumberedRow>> {
    let marks_path = text_path.with_extension(MARKS_ENDING);
    let is_annotated = marks_path.is_file();
    if is_annotated && !text_path.is_file() {
        return Err(Error::File {
            path: marks_path,
            message: format!("its text {} is not beside it", text_path.display()),
        });
    }
    let text = read_text(text_path, encoding)?;
    let spans = match is_annotated {
        true => read_marks(&marks_path, &read_text(&marks_path, encoding)?, &text)?,
        false => Vec::new(),
    };
    let below = folder.and_then(|folder| text_path.strip_prefix(folder).ok());
    let doc = match below {
        Some(below) => {
            let below = below.with_extension("");
            let names = below.iter().map(|name| name.to_string_lossy());
            Some(names.collect::<Vec<_>>().join("/"))
        }
        None => text_path
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned()),
    };
    let (mut line, mut counted) = (1, 0);
    let rows = sentences(&text, &spans)
        .into_iter()
        .enumerate()
        .map(|(place, (range, labels))| {
            line += text[counted..range.start].matches('\n').count() as u64;
            counted = range.start;
            let row = RawRow {
                id: doc.clone(),
                doc: doc.clone(),
                text: text[range].trim_start_matches('\u{FEFF}').to_owned(),
                labels: is_annotated.then_some(labels),
                sentence: Some(place + 1),
                ..RawRow::default()
            };
            (line, Ok(row))
        });
    Ok(rows.collect())
}

fn read_text(path: &Path, encoding: Option<TextEncoding>) -> Result<String> {
    let mut bytes = Vec::new();
    open_text(path, encoding)?
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io(path, error))?;
    String::from_utf8(bytes).map_err(|error| {
        let bytes = error.as_bytes();
        let valid = error.utf8_error().valid_up_to();
        let line_start = bytes[..valid]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        let line = bytes[..line_start]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count() as u64
            + 1;
        Error::Row {
            path: path.into(),
            line,
            message: NotUtf8::at(&bytes[line_start..], valid - line_start).message(encoding),
        }
    })
}

/// A text-bound annotation.
struct Mark<'a> {
    id: &'a str,
    spans: Vec<Span>,
}

fn read_marks(path: &Path, marks: &str, text: &str) -> Result<Vec<Span>> {
    let places = Places::new(text);
    let in_line = |line: usize, message: String| Error::Row {
        path: path.into(),
        line: line as u64 + 1,
        message,
    };
    let mut bound: Vec<Mark<'_>> = Vec::new();
    // Of several annotations of one id the first counts.
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    let mut events: Vec<(usize, &str)> = Vec::new();
    for (number, line) in marks.lines().enumerate() {
        let line = line.trim_start_matches('\u{FEFF}').trim_end();
        match line.chars().next() {
            None => {}
            Some('T') => {
                let mark = read_mark(line, text, &places);
                let mark = mark.map_err(|message| in_line(number, message))?;
                by_id.entry(mark.id).or_insert(bound.len());
                bound.push(mark);
            }
            Some('E') => events.push((number, line)),
            Some(first) if OTHER_LINES.contains(&first) => {}
            Some(_) => {
                let line = shortened(line);
                return Err(in_line(
                    number,
                    format!("{line:?} is no line of brat's standoff format"),
                ));
            }
        }
    }
    let mut spans: Vec<Span> = bound.iter().flat_map(|mark| mark.spans.clone()).collect();
    for (number, line) in events {
        let (label, trigger) = event(line)
            .ok_or_else(|| in_line(number, "an event without a type and a trigger".into()))?;
        let mark = by_id.get(trigger).and_then(|&place| bound.get(place));
        let mark = mark.ok_or_else(|| {
            let trigger = shortened(trigger);
            in_line(
                number,
                format!("the trigger {trigger} of the event is nowhere in the file"),
            )
        })?;
        spans.extend(mark.spans.iter().map(|span| Span {
            range: span.range.clone(),
            label: label.to_owned(),
        }));
    }
    Ok(spans)
}

/// `E1<TAB>Type:T1 Role:T2 …`
fn event(line: &str) -> Option<(&str, &str)> {
    let (_, said) = line.split_once('\t')?;
    let (label, trigger) = said.split_whitespace().next()?.split_once(':')?;
    (!label.is_empty()).then_some((label, trigger))
}

/// `T1<TAB>Type START END[;START END…]<TAB>text`
fn read_mark<'a>(
    line: &'a str,
    text: &str,
    places: &Places,
) -> std::result::Result<Mark<'a>, String> {
    let mut columns = line.splitn(3, '\t');
    let wrong =
        || "a text-bound annotation is T<number>, tab, type and places, tab, text".to_owned();
    let (id, said) = columns.next().zip(columns.next()).ok_or_else(wrong)?;
    let (label, fragments) = said.split_once(' ').ok_or_else(wrong)?;
    let mut spans = Vec::new();
    for fragment in fragments.split(';') {
        let (start, end) = fragment.trim().split_once(' ').ok_or_else(wrong)?;
        let place = |digits: &str| digits.trim().parse::<u64>().map_err(|_| wrong());
        let range = places.range(place(start)?, place(end)?, label)?;
        let label = label.to_owned();
        spans.push(Span { range, label });
    }
    // Places that lie beside the words that were marked would label other sentences.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let found: Vec<String> = spans
        .iter()
        .map(|span| words(&text[span.range.clone()]))
        .collect();
    let found = words(&found.join(" "));
    match columns.next().map(words) {
        Some(marked) if marked != found => Err(format!(
            "{id} marks {:?}, but {:?} stands there: text and annotations do not belong together",
            shortened(&marked),
            shortened(&found)
        )),
        _ => Ok(Mark { id, spans }),
    }
}
