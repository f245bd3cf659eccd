//! `marsad explain`.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use maud::{PreEscaped, html};
use serde::Serialize;

use super::console::{Failure, colours, complain, fail, is_terminal, printed, reading_progress};
use super::explained_text::{Layout, write_unit};
use super::{ModelArgs, refuse_overwriting};
use crate::corpus::{STANDARD_INPUT, bytes_read, parents};
use crate::error::{Error, Result, label_not_known};
use crate::explain::{Against, Explainer, Explanation, HTML_STYLE, LabelExplanation, to_html};
use crate::original::original;
use crate::output_file::OutputFile;
use crate::predict::{
    Input, InputFields, InputFormat, Labeller, OutputRow, Predictor, Scratch, Split, Stopped, Unit,
    UnitCursor, Workspace,
};
use crate::text::Furniture;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  marsad explain --text \"شنت طائرات حربية غارات على المدينة\"
  marsad explain article.txt --label airstrike --features 20
  marsad explain --text \"قصفت المدفعية أطراف البلدة\" --against shelling
  marsad explain rows.jsonl --json | jq '.labels[] | {label, score, bias}'
  marsad explain article.txt --html -o explained.html

Bias and contributions sum to the score, which the calibration turns into the probability.
On a terminal words that speak for a label stand on blue, those against it on orange, and the
evidence is underlined. Spans are of the field \"text\" of the same row, in bytes and in characters.")]
pub(super) struct ExplainArgs {
    /// Files to explain; none or - for standard input
    #[arg(conflicts_with = "text")]
    input: Vec<PathBuf>,
    /// A sentence to explain, in place of files
    #[arg(long, value_name = "SENTENCE")]
    text: Option<String>,
    #[command(flatten)]
    model: ModelArgs,
    /// File to write [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    pub(super) output: Option<PathBuf>,
    /// Format of the input
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    from: InputFormat,
    /// Field that holds the text
    #[arg(long, value_name = "F", default_value = "text")]
    text_field: String,
    /// Field that holds the id [default: id, where there is one]
    #[arg(long, value_name = "F")]
    id_field: Option<String>,
    /// Whether units are split into sentences
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    split: Split,
    /// Explain only this label, or those under it [default: in text and HTML those that hold, else
    /// the likeliest; in JSON all]
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// Tell what would have to go for this label not to hold, or, where it does not hold, what speaks
    /// against it and what is missing
    #[arg(long, value_name = "LABEL")]
    against: Vec<String>,
    /// Strongest features listed for each label [default: 12; in JSON all, 100 kB a label and sentence]
    #[arg(long, value_name = "N")]
    features: Option<usize>,
    /// One JSON object a unit
    #[arg(long)]
    json: bool,
    /// A fragment of HTML
    #[arg(long, conflicts_with = "json")]
    html: bool,
}

/// Features listed for people.
const LISTED: usize = 12;

pub(super) fn run(args: &ExplainArgs) -> std::result::Result<ExitCode, Failure> {
    let predictor = Predictor::new(args.model.load()?);
    let known = predictor.tree().labels();
    for label in args.label.iter().chain(&args.against) {
        if !known.iter().any(|of_tree| of_tree.name == *label) {
            return Err(label_not_known(label, known.iter().map(|l| &*l.name)).into());
        }
    }
    let inputs = match args.input.as_slice() {
        [] => vec![PathBuf::from(STANDARD_INPUT)],
        inputs => inputs.to_vec(),
    };
    let errors = match &args.output {
        None => {
            let output = BufWriter::new(io::stdout().lock());
            Run::new(args, &predictor, output).explain_all(&inputs, Path::new("standard output"))?
        }
        Some(path) => {
            refuse_overwriting(path, inputs.iter().chain(&args.model.model))?;
            let mut file = OutputFile::create(path)?;
            let errors =
                Run::new(args, &predictor, BufWriter::new(&mut file)).explain_all(&inputs, path)?;
            file.keep()?;
            errors
        }
    };
    Ok(match errors {
        0 => ExitCode::SUCCESS,
        1 => {
            fail("1 row could not be read; it has its error in the output");
            ExitCode::from(1)
        }
        _ => {
            fail(&format!(
                "{errors} rows could not be read; each has its error in the output"
            ));
            ExitCode::from(1)
        }
    })
}

/// One row of JSON.
#[derive(Serialize)]
struct Row<'a> {
    id: Cow<'a, str>,
    doc: &'a str,
    line: u64,
    start: usize,
    end: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    furniture: Option<Furniture>,
    #[serde(flatten)]
    explained: &'a Explanation,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    against: &'a [Against],
}

/// A row that could not be read.
#[derive(Serialize)]
struct ErrorRow<'a> {
    id: Cow<'a, str>,
    error: &'a str,
}

/// Buffers, reused from unit to unit.
#[derive(Default)]
struct Buffers {
    workspace: Workspace,
    scratch: Scratch,
}

/// One run over all inputs.
struct Run<'a, W> {
    args: &'a ExplainArgs,
    explainer: Explainer<'a>,
    labeller: Labeller<'a>,
    output: W,
    layout: Layout,
    rows: usize,
    errors: usize,
}

impl<'a, W: Write> Run<'a, W> {
    fn new(args: &'a ExplainArgs, predictor: &'a Predictor, output: W) -> Self {
        let to_terminal = args.output.is_none();
        Self {
            args,
            explainer: Explainer::new(predictor),
            labeller: Labeller::new(predictor, args.split),
            output,
            layout: Layout {
                colour: to_terminal && colours(),
                isolated: to_terminal && is_terminal(),
                mode: predictor.header().mode,
            },
            rows: 0,
            errors: 0,
        }
    }

    /// Explains all that is given; gives the number of rows in error.
    fn explain_all(
        mut self,
        inputs: &[PathBuf],
        output: &Path,
    ) -> std::result::Result<usize, Failure> {
        let outcome = self.explain_inputs(inputs);
        let outcome = outcome.and_then(|()| Ok(self.output.flush()?));
        match outcome {
            Err(Stopped::Reading(error)) => Err(error.into()),
            Err(Stopped::Writing(error)) => Err(Error::io(output, error).into()),
            Ok(()) => {
                if self.rows + self.errors == 0 {
                    complain("there was nothing to explain: no row and no line of text was found");
                }
                Ok(self.errors)
            }
        }
    }

    fn explain_inputs(&mut self, inputs: &[PathBuf]) -> std::result::Result<(), Stopped> {
        let mut buffers = Buffers::default();
        if self.args.html {
            writeln!(
                self.output,
                "<meta charset=\"utf-8\">\n<style>\n{HTML_STYLE}\n</style>"
            )?;
        }
        if let Some(text) = &self.args.text {
            let unit = Unit {
                file: "text",
                id: Some("text".into()),
                doc: None,
                line: 1,
                offset: 0,
                text: Ok(Cow::Borrowed(text)),
                paragraph: false,
                kept: Vec::new(),
            };
            return self.explain_unit(&unit, &mut buffers);
        }
        let fields = InputFields {
            text: self.args.text_field.clone(),
            id: self.args.id_field.clone(),
            ..InputFields::default()
        };
        // A bar among what is printed would garble it.
        let shows_bar = self.args.output.is_some() || !is_terminal();
        let bar = shows_bar.then(|| reading_progress(inputs));
        let before = bytes_read();
        for path in inputs {
            let mut input = Input::open(path, self.args.from, &fields, 1)?;
            while let Some(batch) = input.next_batch()? {
                for unit in batch.units() {
                    self.explain_unit(&unit, &mut buffers)?;
                    if self.args.output.is_none() {
                        // What is told of a stopped run must be true.
                        self.output.flush()?;
                        printed(self.rows);
                    }
                    if let Some(bar) = &bar {
                        bar.set_rows(self.rows, before);
                    }
                }
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        Ok(())
    }

    fn explain_unit(
        &mut self,
        unit: &Unit<'_>,
        buffers: &mut Buffers,
    ) -> std::result::Result<(), Stopped> {
        let mut cursor = UnitCursor::default();
        let Buffers { workspace, scratch } = buffers;
        while let Some(row) = self.labeller.next_row(unit, &mut cursor, workspace) {
            self.rows += 1;
            let (start, end, text, furniture) = match &row.outcome {
                Ok(labelled) => (
                    labelled.span.start,
                    labelled.span.end,
                    labelled.text,
                    labelled.furniture,
                ),
                Err(message) => {
                    self.errors += 1;
                    self.write_error(&row, message)?;
                    continue;
                }
            };
            let mut explained = self.explainer.explain(text, scratch);
            if furniture.is_some_and(Furniture::carries_no_label) {
                explained.labels.iter_mut().for_each(|l| l.holds = false);
            }
            let against = self.args.against.iter();
            let against: Result<Vec<Against>> = against
                .map(|label| self.explainer.against(&explained, label, scratch))
                .collect();
            self.keep_labels(&mut explained);
            if let Some(most) = self.args.features {
                explained = explained.limited(most);
            }
            self.write(&Row {
                id: row.id(),
                doc: row.doc(),
                line: unit.line,
                start,
                end,
                furniture,
                explained: &explained,
                against: &against?,
            })?;
        }
        Ok(())
    }

    /// Leaves out labels that are not asked for.
    fn keep_labels(&self, explained: &mut Explanation) {
        let asked = &self.args.label;
        if !asked.is_empty() {
            let is_asked = |name: &str| {
                let mut names = std::iter::once(name).chain(parents(name));
                names.any(|name| asked.iter().any(|label| label == name))
            };
            explained.labels.retain(|label| is_asked(&label.label));
        }
    }

    /// The labels that are shown in full: those asked for, else those that hold, else the likeliest.
    fn shown<'e>(&self, explained: &'e Explanation) -> Vec<&'e LabelExplanation> {
        let all = || explained.labels.iter();
        if !self.args.label.is_empty() {
            return all().collect();
        }
        let held: Vec<&LabelExplanation> = all().filter(|label| label.holds).collect();
        if !held.is_empty() {
            return held;
        }
        let nearness = |label: &LabelExplanation| label.probability / label.threshold;
        let likeliest = all().reduce(|best, label| match nearness(label) > nearness(best) {
            true => label,
            false => best,
        });
        likeliest.into_iter().collect()
    }

    fn write(&mut self, row: &Row<'_>) -> io::Result<()> {
        if self.args.json {
            return self.write_json(row);
        }
        let shown = self.shown(row.explained);
        let features = self.args.features.unwrap_or(LISTED);
        let furniture = row
            .furniture
            .map(|furniture| format!("{furniture:?}").to_lowercase());
        let remark = furniture.map(|kind| format!("(page furniture: {kind})"));
        if self.args.html {
            let article = html! {
                article.marsad-unit {
                    h3 { bdi { (original(&row.id)) } @if let Some(remark) = &remark { " " (remark) } }
                    @for label in shown { (PreEscaped(to_html(row.explained, label, features))) }
                    @for against in row.against { p { (against.told(true)) } }
                }
            };
            return writeln!(self.output, "{}", article.into_string());
        }
        if self.rows > 1 {
            writeln!(self.output)?;
        }
        let remark = remark.map_or_else(String::new, |remark| format!("  {remark}"));
        writeln!(self.output, "{}{remark}", row.id)?;
        let text = write_unit(self.layout, row.explained, &shown, features);
        writeln!(self.output, "{text}")?;
        for against in row.against {
            writeln!(self.output, "\n{}", against.told(self.layout.isolated))?;
        }
        Ok(())
    }

    fn write_error(&mut self, row: &OutputRow<'_>, error: &str) -> io::Result<()> {
        let id = row.id();
        if self.args.json {
            return self.write_json(&ErrorRow { id, error });
        }
        if self.args.html {
            let told = html! { p.marsad-unit { bdi { (original(&id)) } ": " (original(error)) } };
            return writeln!(self.output, "{}", told.into_string());
        }
        writeln!(self.output, "{id}: {error}")
    }

    fn write_json(&mut self, row: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(row).map_err(io::Error::from)?;
        writeln!(self.output, "{json}")
    }
}
