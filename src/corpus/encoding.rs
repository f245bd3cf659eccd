//! Text that is not UTF-8: decoded as it is read, with nothing replaced silently.

use std::io::{BufRead, Read};
use std::str::FromStr;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, WINDOWS_1256};

/// How the letters of a text file are stored, by the names that browsers know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl FromStr for TextEncoding {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Encoding::for_label_no_replacement(name.trim().as_bytes())
            .map(Self)
            .ok_or_else(|| {
                "no encoding of this name is known; windows-1256, iso-8859-6, utf-16le, utf-16be and utf-8 are"
                    .into()
            })
    }
}

/// Reads a text file as UTF-8: from the encoding told, or from UTF-16 where it begins with the byte
/// order mark of that, which has the last word. UTF-8 passes through untouched.
pub(crate) fn decoded(
    mut reader: Box<dyn BufRead + Send>,
    told: Option<TextEncoding>,
) -> std::io::Result<Box<dyn BufRead + Send>> {
    let marked = Encoding::for_bom(reader.fill_buf()?).map(|(encoding, _)| encoding);
    if let (None, Some(TextEncoding(encoding))) = (marked, told)
        && encoding.is_ascii_compatible()
        && encoding != UTF_8
        && is_utf8_beyond_ascii(reader.fill_buf()?)
    {
        return Err(std::io::Error::other(format!(
            "its letters are stored as UTF-8, not as {}; leave --encoding out",
            encoding.name()
        )));
    }
    match marked.or(told.map(|told| told.0)) {
        None => Ok(reader),
        Some(encoding) if encoding == UTF_8 => Ok(reader),
        Some(encoding) => Ok(Box::new(Decoded {
            reader,
            decoder: encoding.new_decoder_with_bom_removal(),
            buffer: vec![0; BUFFER_BYTES + 1],
            text: 0..0,
            ended: false,
        })),
    }
}

/// Whether bytes, but for a character cut at their end, are UTF-8 with several characters that are not
/// ASCII: text of another encoding is that by chance as good as never.
fn is_utf8_beyond_ascii(head: &[u8]) -> bool {
    const SEVERAL: usize = 4;
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let whole = &head[..error.valid_up_to()];
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars()
        .filter(|sign| !sign.is_ascii())
        .nth(SEVERAL - 1)
        .is_some()
}

const BUFFER_BYTES: usize = 1 << 16;

/// Stands for bytes that the encoding does not know. No UTF-8 has it, so that its line is found to be
/// in error like a line of damaged UTF-8.
const MALFORMED: u8 = 0xFF;

/// Decodes what is read through it.
struct Decoded {
    reader: Box<dyn BufRead + Send>,
    decoder: Decoder,
    buffer: Vec<u8>,
    /// What of the buffer was not handed on yet.
    text: std::ops::Range<usize>,
    ended: bool,
}

impl Decoded {
    fn decode(&mut self) -> std::io::Result<()> {
        while self.text.is_empty() && !self.ended {
            let bytes = self.reader.fill_buf()?;
            let last = bytes.is_empty();
            let target = &mut self.buffer[..BUFFER_BYTES];
            let (result, read, written) = self
                .decoder
                .decode_to_utf8_without_replacement(bytes, target, last);
            self.reader.consume(read);
            self.text = 0..written;
            match result {
                DecoderResult::InputEmpty => self.ended = last,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.buffer[written] = MALFORMED;
                    self.text.end += 1;
                }
            }
        }
        Ok(())
    }
}

impl Read for Decoded {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        let text = self.fill_buf()?;
        let length = text.len().min(target.len());
        target[..length].copy_from_slice(&text[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Decoded {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.decode()?;
        Ok(&self.buffer[self.text.clone()])
    }

    fn consume(&mut self, bytes: usize) {
        self.text.start = (self.text.start + bytes).min(self.text.end);
    }
}

/// Bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8 {
    /// The first of them, from 1.
    pub byte: usize,
    /// Whether the bytes around make Arabic words in the encoding of old Windows programs.
    pub is_windows_arabic: bool,
}

impl NotUtf8 {
    /// Looks at bytes that are not UTF-8.
    pub(crate) fn new(bytes: &[u8], error: std::str::Utf8Error) -> Self {
        Self::at(bytes, error.valid_up_to())
    }

    /// Looks at bytes that are valid up to a place.
    pub(crate) fn at(bytes: &[u8], valid_up_to: usize) -> Self {
        Self {
            byte: valid_up_to + 1,
            is_windows_arabic: is_windows_arabic(bytes),
        }
    }

    /// What is wrong, and what to do.
    pub(crate) fn message(self, told: Option<TextEncoding>) -> String {
        format!("not valid {}", self.advice(told))
    }

    /// Names encoding and byte, and what to do.
    pub(crate) fn advice(self, told: Option<TextEncoding>) -> String {
        let Self { byte, .. } = self;
        match told.filter(|told| told.0 != UTF_8) {
            Some(told) => format!(
                "{} at byte {byte}, counted as UTF-8; name the right encoding with --encoding",
                told.name()
            ),
            None if self.is_windows_arabic => {
                format!("UTF-8 at byte {byte}; it reads as Arabic with --encoding windows-1256")
            }
            None => format!(
                "UTF-8 at byte {byte}; convert the file to UTF-8 first, or name its encoding with --encoding"
            ),
        }
    }
}

/// Whether bytes that are no UTF-8 decode to Arabic: nearly all their letters beyond ASCII are Arabic
/// letters, several of them side by side.
fn is_windows_arabic(bytes: &[u8]) -> bool {
    const LONGEST_LOOK: usize = 4096;
    const FEWEST: usize = 3;
    let bytes = &bytes[..bytes.len().min(LONGEST_LOOK)];
    let (text, _) = WINDOWS_1256.decode_without_bom_handling(bytes);
    let (mut arabic, mut other, mut pairs, mut after_arabic) = (0_usize, 0_usize, 0_usize, false);
    for character in text.chars() {
        let is_arabic = matches!(character, '\u{621}'..='\u{64A}');
        let is_sign = matches!(
            character,
            '،' | '؛' | '؟' | '«' | '»' | '\u{A0}' | '\u{64B}'..='\u{652}' | 'ـ' | '\u{200C}'..='\u{200F}' | '…' | '–' | '“' | '”'
        );
        arabic += usize::from(is_arabic);
        other += usize::from(!character.is_ascii() && !is_arabic && !is_sign);
        pairs += usize::from(is_arabic && after_arabic);
        after_arabic = is_arabic;
    }
    arabic >= FEWEST && pairs * 2 >= arabic && other * 10 <= arabic
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], encoding: Option<&str>) -> Vec<u8> {
        let reader: Box<dyn BufRead + Send> = Box::new(std::io::Cursor::new(bytes.to_vec()));
        let told = encoding.map(|name| name.parse().unwrap());
        let mut text = Vec::new();
        decoded(reader, told)
            .unwrap()
            .read_to_end(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn encodings_are_read_and_what_they_do_not_know_is_no_utf8() {
        let text = "قصفت الطائرات\nالبلدة";
        let (windows, _, _) = WINDOWS_1256.encode(text);
        assert_eq!(read(&windows, Some("windows-1256")), text.as_bytes());
        let mut utf16: Vec<u8> = vec![0xFF, 0xFE];
        utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(read(&utf16, None), text.as_bytes());
        assert_eq!(read(&utf16[2..], Some("utf-16le")), text.as_bytes());
        // A byte order mark has the last word.
        assert_eq!(read(&utf16, Some("windows-1256")), text.as_bytes());
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&big, Some("utf-16be")), text.as_bytes());
        assert_eq!(read(b"a\xA1b", Some("iso-8859-6")), b"a\xFFb");
        assert_eq!(read("ا".as_bytes(), None), "ا".as_bytes());
        assert!("no-such".parse::<TextEncoding>().is_err());
    }

    #[test]
    fn arabic_of_old_windows_programs_is_known_from_other_bytes() {
        let (windows, _, _) = WINDOWS_1256.encode("قصفت الطائرات الحربية أطراف البلدة، وسقط قتلى");
        assert!(is_windows_arabic(&windows));
        assert!(!is_windows_arabic(
            b"caf\xE9 cr\xE8me br\xFBl\xE9e na\xEFve"
        ));
        assert!(!is_windows_arabic(b"a\xFF"));
    }
}
