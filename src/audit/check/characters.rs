//! What the characters of a text say of its script and of how it was decoded.

use crate::text::is_arabic_letter;

/// What a wrong decoding made of a text, and what to do; nothing for a sound one.
pub(super) fn mojibake(text: &str) -> Option<&'static str> {
    let letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let count = |wanted: fn(char) -> bool| letters.iter().filter(|&&c| wanted(c)).count();
    let half = letters.len() / 2;
    let pairs = |lead: fn(char) -> bool, follow: fn(char) -> bool| {
        letters
            .windows(2)
            .filter(|pair| lead(pair[0]) && follow(pair[1]))
            .count()
    };
    // UTF-8 writes each Arabic letter as one of four bytes and one from 80 to BF.
    if pairs(|c| matches!(c, 'Ø' | 'Ù' | 'Ú' | 'Û'), is_high_byte) >= 2 {
        return Some("UTF-8 that was read as Windows-1252");
    }
    let doubled = pairs(|c| matches!(c, 'ط' | 'ظ'), |c| !matches!(c, 'ط' | 'ظ'));
    if letters.len() >= 8 && 2 * doubled >= letters.len() * 3 / 4 {
        return Some("UTF-8 that was read as Windows-1256");
    }
    let accented = count(|c| matches!(c, 'À'..='ÿ'));
    if accented >= 4 && accented > half {
        return Some("Windows-1256 that was read as Windows-1252");
    }
    let marks = count(|c| c == '?');
    (marks >= 4 && marks > half).then_some("letters that were replaced by question marks")
}

/// What the bytes 80 to BF look like in Windows-1252 or Latin-1.
fn is_high_byte(character: char) -> bool {
    matches!(
        character,
        '\u{80}'
            ..='\u{BF}'
                | 'Œ'
                | 'œ'
                | 'Š'
                | 'š'
                | 'Ÿ'
                | 'Ž'
                | 'ž'
                | 'ƒ'
                | 'ˆ'
                | '˜'
                | '–'
                | '—'
                | '‘'
                | '’'
                | '‚'
                | '“'
                | '”'
                | '„'
                | '†'
                | '‡'
                | '•'
                | '…'
                | '‰'
                | '‹'
                | '›'
                | '€'
                | '™'
    )
}

/// Letters of a text by script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    /// Arabic letters.
    pub(super) arabic: usize,
    /// Letters of the Latin script.
    pub(super) latin: usize,
    /// Letters of other scripts.
    pub(super) other: usize,
}

impl Script {
    pub(super) fn of(text: &str) -> Self {
        let mut script = Self::default();
        for letter in text.chars().filter(|c| c.is_alphabetic()) {
            match letter {
                _ if is_arabic_letter(letter) => script.arabic += 1,
                'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{24F}' => script.latin += 1,
                _ => script.other += 1,
            }
        }
        script
    }
}

/// A letter as it stands in a line, where a letter alone should be.
pub(super) fn is_presentation_form(character: char) -> bool {
    matches!(character, '\u{FB50}'..='\u{FBB1}' | '\u{FBD3}'..='\u{FD3D}' | '\u{FD50}'..='\u{FDC7}'
        | '\u{FDF0}'..='\u{FDF9}' | '\u{FE70}'..='\u{FEFC}')
}

/// The Persian letters that stand for Arabic ones.
pub(super) fn is_persian_twin(character: char) -> bool {
    matches!(character, 'ک' | 'ی')
}

/// The Arabic letters that have Persian twins.
pub(super) fn has_persian_twin(character: char) -> bool {
    matches!(character, 'ك' | 'ي')
}

/// What is left of a page's markup, if anything.
pub(super) fn markup(text: &str) -> Option<String> {
    const ENTITIES: &[&str] = &["&nbsp;", "&amp;", "&quot;", "&lt;", "&gt;", "&#"];
    if let Some(entity) = ENTITIES.iter().find(|entity| text.contains(**entity)) {
        return Some((*entity).to_owned());
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let name = after.strip_prefix('/').unwrap_or(after);
        let is_tag = name.starts_with(|c: char| c.is_ascii_alphabetic());
        let end = after.find(['<', '>']);
        if let Some(end) = end.filter(|&end| is_tag && after[end..].starts_with('>')) {
            return Some(format!("<{}>", &after[..end]));
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{WINDOWS_1252, WINDOWS_1256};

    const TEXT: &str = "قصفت المدفعية أطراف البلدة مساء أمس، ما أدى إلى إصابة 3 مدنيين.";

    #[test]
    fn wrong_decodings_are_known() {
        let as_1252 = WINDOWS_1252.decode_without_bom_handling(TEXT.as_bytes()).0;
        assert!(
            mojibake(&as_1252).is_some_and(|what| what.contains("UTF-8") && what.contains("1252"))
        );
        let as_1256 = WINDOWS_1256.decode_without_bom_handling(TEXT.as_bytes()).0;
        assert!(mojibake(&as_1256).is_some_and(|what| what.ends_with("read as Windows-1256")));
        let bytes = WINDOWS_1256.encode(TEXT).0;
        let as_latin = WINDOWS_1252.decode_without_bom_handling(&bytes).0;
        assert!(mojibake(&as_latin).is_some_and(|what| what.starts_with("Windows-1256")));
        assert!(mojibake("????? ???????? 12 ????").is_some());
        for sound in [
            TEXT,
            "ظهر الخطر في ظل طقس حطّ على طريق الحظر",
            "ماذا؟ وكيف؟ ومتى???",
            "Øresund café naïve",
            "",
            "؟",
        ] {
            assert_eq!(mojibake(sound), None, "{sound}");
        }
    }

    #[test]
    fn scripts_and_markup_are_known() {
        let script = Script::of("قصف F-16 на");
        assert_eq!((script.arabic, script.latin, script.other), (3, 1, 2));
        assert_eq!(markup("قصف<br/>مدفعي").as_deref(), Some("<br/>"));
        assert_eq!(markup("قصف&nbsp;مدفعي").as_deref(), Some("&nbsp;"));
        assert_eq!(markup("3 < 5 و 7 > 2 <"), None);
        assert_eq!(markup("<<a"), None);
    }
}
