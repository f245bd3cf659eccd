//! The page: its frame, its sections in order, its style and script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::headline::{headline, method, title};
use super::markup::{count, original, plain};
use super::{Material, ReportPage, browser, card, sections, tables};
use crate::error::Result;

/// Light, dark, paper; no font, picture or style from elsewhere.
const STYLE: &str = include_str!("style.css");
/// The filters of the error browser; the page is whole without it.
const SCRIPT: &str = include_str!("script.js");
/// Forbids the browser to fetch anything, whatever a text may hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

struct Section {
    id: &'static str,
    name: &'static str,
    content: Markup,
}

/// Puts a report together.
pub(super) fn page(material: &Material<'_>) -> Result<ReportPage> {
    let section = |id, name, content| Section { id, name, content };
    let mut all = vec![
        section("in-short", "In short", headline(material)),
        section(
            "labels",
            "Figures of each label",
            sections::labels(material)?,
        ),
        section(
            "confusion",
            "What is taken for what",
            sections::confusion(material),
        ),
        section(
            "probabilities",
            "How far to believe the probabilities",
            sections::calibration(material)?,
        ),
        section(
            "review",
            "What reading by hand buys",
            sections::abstention(material)?,
        ),
        section(
            "trade",
            "Precision against recall",
            sections::trade(material)?,
        ),
        section(
            "slices",
            "Where it does better and worse",
            sections::slices(material)?,
        ),
    ];
    if let Some(content) = sections::more_sentences(material)? {
        all.push(section("more", "What more sentences would bring", content));
    }
    all.push(section("model", "The model", card::card(material)));
    all.push(section("method", "How this was measured", how(material)));
    all.push(section(
        "errors",
        "Every wrong sentence",
        browser::browser(material),
    ));
    let title = title(material);
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "marsad " (env!("CARGO_PKG_VERSION")) };
                title { (plain(&title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#in-short" { "To the figures" }
                header {
                    h1 dir="auto" { (original(&title)) }
                    (measured(material))
                    nav aria-label="Contents" { ol {
                        @for section in &all { li { a href={ "#" (section.id) } { (section.name) } } }
                    } }
                }
                main {
                    @for section in &all {
                        section id=(section.id) aria-labelledby={ (section.id) "-name" } {
                            h2 id={ (section.id) "-name" } { (section.name) }
                            (section.content)
                        }
                    }
                }
                footer { p { "Made by marsad " (env!("CARGO_PKG_VERSION")) "." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(ReportPage {
        html: html.into_string(),
        tables: tables::all(material),
        wrong_rows: material.wrong.len(),
        left_out_rows: material.wrong.len() - material.listed().len(),
    })
}

/// What was measured on what.
fn measured(material: &Material<'_>) -> Markup {
    let report = &material.examination.report;
    let files = material.files();
    const MOST: usize = 6;
    html! {
        p.lead { (original(&method(material))) }
        dl.facts {
            div { dt { "Corpus" } dd {
                @for (place, file) in files.iter().take(MOST).enumerate() {
                    @if place > 0 { ", " }
                    bdi { (original(file)) }
                }
                @if files.len() > MOST { " and " (files.len() - MOST) " other files" }
            } }
            div { dt { "Measured on" } dd { (count(report.rows)) " sentences in " (count(report.documents)) " documents" } }
            div { dt { "Digest" } dd { code { (material.corpus.digest()) } } }
            @if let Some(date) = &material.options.date {
                div { dt { "Date" } dd { bdi { (original(date)) } } }
            }
        }
    }
}

/// Notes on the method.
fn how(material: &Material<'_>) -> Markup {
    let report = &material.examination.report;
    let counts = material.corpus.counts();
    html! {
        ul {
            li { (original(&method(material))) }
            li {
                @if report.bootstrap_samples > 0 {
                    "Intervals are the 2.5th and 97.5th percentile of " (count(report.bootstrap_samples)) " resamples of whole documents "
                    "(percentile bootstrap, seed " (material.options.bootstrap.seed) "), since sentences of one document are alike."
                } @else {
                    "No resamples were drawn, so intervals have no width."
                }
            }
            li {
                "A label with a dot stands under its parent; the parent holds wherever one of its children does. Labels that an annotation "
                "leaves open are not counted for their sentence."
            }
            li {
                "Average precision takes sentences of equal probability together. The calibration error is over ten ranges of "
                "probability of equal width."
            }
            li {
                "The passage marked in a wrong sentence is the window of words with the highest score for the label; the words beside a "
                "mistake are those with the largest shares in its score, in units of the score before calibration"
                @match &material.examination.method {
                    crate::evaluate::Method::Model { .. } => ".",
                    _ => ", by a model trained on all sentences, the shown one too: the models of the folds, which made the mistake, are not kept.",
                }
            }
            @if counts.unannotated + counts.empty > 0 {
                li { "Left out of the corpus: " (count(counts.unannotated)) " rows without annotation, " (count(counts.empty)) " without text." }
            }
            @if counts.contradictory > 0 {
                li { (count(counts.contradictory)) " texts are annotated in more than one way." }
            }
            @if counts.repeated > 0 {
                li { (count(counts.repeated)) " rows repeat an earlier text with the same labels; they are kept." }
            }
            li { "The same corpus, model and options give the same page, to the byte. The digest is SHA-256 over documents, texts and labels." }
        }
    }
}
