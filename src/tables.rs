//! Tables for terminals, Markdown, spreadsheets and papers.

use unicode_width::UnicodeWidthChar;

/// A table of short texts and figures. The first column stands to the left, the others to the right
/// unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What its cells are.
    pub name: String,
    /// Whether its cells begin at the left, as texts do; figures end at the right.
    pub left: bool,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TableFormat {
    /// Aligned by spaces, for a terminal.
    Text,
    /// GitHub's Markdown.
    Markdown,
    /// Comma-separated values.
    Csv,
    /// A LaTeX tabular with the rules of booktabs.
    Latex,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: &[&str]) -> Self {
        let columns = columns.iter().enumerate().map(|(place, &name)| Column {
            name: name.to_owned(),
            left: place == 0,
        });
        Self {
            columns: columns.collect(),
            rows: Vec::new(),
        }
    }

    /// The same table with the columns of these names standing to the left.
    #[must_use]
    pub fn with_texts_in(mut self, names: &[&str]) -> Self {
        for column in &mut self.columns {
            column.left |= names.contains(&column.name.as_str());
        }
        self
    }

    /// Adds a row; cells that are missing are empty, and those too many are left out.
    pub fn add_row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// The heads of the columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The cells, row by row.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// The table in a format, without a final newline.
    pub fn write(&self, format: TableFormat) -> String {
        match format {
            TableFormat::Text => self.to_text(),
            TableFormat::Markdown => self.to_markdown(),
            TableFormat::Csv => self.to_csv(),
            TableFormat::Latex => self.to_latex(),
        }
    }

    /// Columns aligned by spaces as wide as the characters are on a terminal; no line ends in spaces.
    pub fn to_text(&self) -> String {
        let names = || self.columns.iter().map(|column| one_line(&column.name));
        let has_header = self.columns.iter().any(|column| !column.name.is_empty());
        let header = has_header.then(|| names().collect());
        let rows = self.rows.iter();
        let rows = rows.map(|row| row.iter().map(|cell| one_line(cell)).collect());
        let lines: Vec<Vec<String>> = header.into_iter().chain(rows).collect();
        let width_of = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| width(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width_of).collect();
        let aligned = lines.iter().map(|line| {
            let mut text = String::new();
            for ((cell, column), &width_of_column) in line.iter().zip(&self.columns).zip(&widths) {
                let spaces = " ".repeat(width_of_column.saturating_sub(width(cell)));
                text += &match column.left {
                    true => format!("{cell}{spaces}  "),
                    false => format!("{spaces}{cell}  "),
                };
            }
            text.truncate(text.trim_end().len());
            text
        });
        aligned.collect::<Vec<_>>().join("\n")
    }

    /// A table of GitHub's Markdown.
    pub fn to_markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        let escaped = |cell: &str| {
            let cell = one_line(cell).replace('\\', "\\\\").replace('|', "\\|");
            cell.replace('<', "&lt;").trim_start().to_owned()
        };
        let names = self.columns.iter().map(|column| escaped(&column.name));
        let rules = self.columns.iter().map(|column| match column.left {
            true => "---".to_owned(),
            false => "---:".to_owned(),
        });
        let mut lines = vec![line(names.collect()), line(rules.collect())];
        for row in &self.rows {
            lines.push(line(row.iter().map(|cell| escaped(cell)).collect()));
        }
        lines.join("\n")
    }

    /// Comma-separated values with a header.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let names = self.columns.iter().map(|column| column.name.as_str());
        // Writing to memory does not fail, and all rows are of one length.
        let _ = writer.write_record(names);
        for row in &self.rows {
            let _ = writer.write_record(row.iter().map(|cell| cell.trim_start()));
        }
        let bytes = writer.into_inner().unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }

    /// A tabular with the rules of the package booktabs.
    pub fn to_latex(&self) -> String {
        let places: String = (self.columns.iter())
            .map(|column| if column.left { 'l' } else { 'r' })
            .collect();
        let line = |cells: Vec<String>| format!("{} \\\\", cells.join(" & "));
        let names = self.columns.iter().map(|column| latex(&column.name));
        let mut lines = vec![
            format!("\\begin{{tabular}}{{{places}}}"),
            "\\toprule".to_owned(),
            line(names.collect()),
            "\\midrule".to_owned(),
        ];
        for row in &self.rows {
            lines.push(line(row.iter().map(|cell| latex(cell)).collect()));
        }
        lines.extend(["\\bottomrule", "\\end{tabular}"].map(str::to_owned));
        lines.join("\n")
    }
}

/// Columns that a text takes on a terminal: those of its characters one by one. Terminals keep a column
/// for each letter even where lam and alef are drawn as one sign.
fn width(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// A cell without line breaks and other signs that move the cursor.
fn one_line(cell: &str) -> String {
    cell.replace(|sign: char| sign.is_control(), " ")
}

/// A cell with the signs escaped that LaTeX gives a meaning, and the steps of a label's tree kept.
fn latex(cell: &str) -> String {
    let mut escaped = String::new();
    let text = one_line(cell);
    let child = text.starts_with(' ');
    for sign in text.trim_start().chars() {
        match sign {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', sign]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '–' => escaped.push_str("--"),
            sign => escaped.push(sign),
        }
    }
    match child {
        true => format!("\\quad {escaped}"),
        false => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["label", "F1", "text"]).with_texts_in(&["text"]);
        table.add_row(["a|b", "0.5", "غارة,\n\"x\""]);
        table.add_row(["  c_d", "10", "50% & <b>"]);
        table
    }

    #[test]
    fn columns_align_and_lines_end_in_text() {
        let text = table().to_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "label   F1  text");
        assert_eq!(lines[1], "a|b    0.5  غارة, \"x\"");
        assert_eq!(lines[2], "  c_d   10  50% & <b>");
    }

    #[test]
    fn every_letter_has_a_column_and_marks_have_none() {
        assert_eq!(width("الأحياء"), 7);
        assert_eq!(width("قَصْفٌ"), 3);
        assert_eq!(width("\u{2068}غارة\u{2069}"), 4);
        let mut table = Table::new(&["word", "n"]);
        table.add_row(["لا", "1"]);
        table.add_row(["غارَة", "2"]);
        assert_eq!(table.to_text(), "word  n\nلا    1\nغارَة  2");
    }

    #[test]
    fn signs_of_a_format_are_escaped() {
        let table = table();
        assert_eq!(
            table.to_markdown(),
            "| label | F1 | text |\n| --- | ---: | --- |\n| a\\|b | 0.5 | غارة, \"x\" |\n| c_d | 10 | 50% & &lt;b> |"
        );
        assert_eq!(
            table.to_csv(),
            "label,F1,text\na|b,0.5,\"غارة,\n\"\"x\"\"\"\nc_d,10,50% & <b>"
        );
        let latex = table.to_latex();
        assert!(
            latex.contains("\\quad c\\_d & 10 & 50\\% \\& <b> \\\\"),
            "{latex}"
        );
        assert!(latex.starts_with("\\begin{tabular}{lrl}\n\\toprule\nlabel & F1 & text \\\\"));
    }
}
