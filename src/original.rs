//! Texts as they came, on pages.

use std::borrow::Cow;

use maud::{Markup, html};

/// Whether a sign turns the direction of what follows, or may stand on no page.
fn acts(sign: char) -> bool {
    matches!(sign, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FDD0}'..='\u{FDEF}')
        || (sign.is_control() && !matches!(sign, '\n' | '\t'))
        || (sign as u32) & 0xFFFE == 0xFFFE
}

/// A text as it came. Signs that act are shown by their number, so that they neither do so nor go
/// unseen.
pub(crate) fn original(text: &str) -> Markup {
    if !text.contains(acts) {
        return html! { (text) };
    }
    let parts = text.split_inclusive(acts).map(|part| {
        let last = part.chars().next_back().filter(|&sign| acts(sign));
        let kept = last.map_or(part, |sign| part.strip_suffix(sign).unwrap_or(part));
        (kept, last)
    });
    html! {
        @for (kept, sign) in parts {
            (kept)
            @if let Some(sign) = sign { span.sign { (format!("U+{:04X}", sign as u32)) } }
        }
    }
}

/// As [`original`], where there is room for letters only: in attributes, choices, plots.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|sign| match acts(sign) {
        true => format!("[U+{:04X}]", sign as u32),
        false => sign.to_string(),
    });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_act_are_shown() {
        let shown = original("قبل\u{202E}<b>\u{0}").into_string();
        assert_eq!(
            shown,
            "قبل<span class=\"sign\">U+202E</span>&lt;b&gt;<span class=\"sign\">U+0000</span>"
        );
        assert_eq!(plain("\u{202E}ن"), "[U+202E]ن");
        assert_eq!(
            original("ن\u{200C}ص\u{200F}").into_string(),
            "ن\u{200C}ص\u{200F}"
        );
    }
}
