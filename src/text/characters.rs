//! What single characters are, for the parts of the text pipeline.

/// Whether a character is a letter of the Arabic script (tatweel and marks are not).
pub(crate) fn is_arabic_letter(character: char) -> bool {
    matches!(character,
        '\u{0620}'..='\u{063F}' | '\u{0641}'..='\u{064A}' | '\u{066E}'..='\u{066F}'
        | '\u{0671}'..='\u{06D3}' | '\u{06D5}' | '\u{06EE}'..='\u{06EF}'
        | '\u{06FA}'..='\u{06FC}' | '\u{06FF}' | '\u{0750}'..='\u{077F}'
        | '\u{08A0}'..='\u{08C7}' | '\u{FB50}'..='\u{FBB1}' | '\u{FBD3}'..='\u{FD3D}'
        | '\u{FD50}'..='\u{FDF9}' | '\u{FE80}'..='\u{FEFC}')
}

/// Diacritics and Quranic marks that carry no letter.
pub(crate) fn is_diacritic(character: char) -> bool {
    matches!(character,
        '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{06D6}'..='\u{06ED}')
}

/// The elongation sign ـ.
pub(crate) const TATWEEL: char = '\u{0640}';

/// The zero-width non-joiner, which ends a letter's shape without a space.
pub(crate) const NON_JOINER: char = '\u{200C}';

/// Characters that show nothing: joiners, direction marks, byte order mark, soft hyphen.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200D}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206F}' | '\u{FEFF}')
}

/// Whether a character ends a line of text.
pub(crate) fn is_line_break(character: char) -> bool {
    matches!(
        character,
        '\n' | '\r' | '\u{000B}' | '\u{000C}' | '\u{0085}' | '\u{2028}' | '\u{2029}'
    )
}
