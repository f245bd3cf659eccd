//! Numbers and strings as bytes, with nothing allocated.

/// Appends a number in decimal digits.
pub(crate) fn push_number(output: &mut Vec<u8>, mut number: u64) {
    // 2⁶⁴ has twenty digits.
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while start > 0 {
        start -= 1;
        digits[start] += (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    output.extend_from_slice(&digits[start..]);
}

/// Appends a probability rounded to six decimals without zeros at the end; `whole` stands behind
/// what has no decimals left.
pub(crate) fn push_decimal(output: &mut Vec<u8>, probability: f64, whole: &str) {
    let millions = probability * 1e6;
    let below = millions as u32;
    let rounded = below + u32::from(millions - f64::from(below) >= 0.5);
    push_number(output, u64::from(rounded / 1_000_000));
    let mut decimals = rounded % 1_000_000;
    if decimals == 0 {
        output.extend_from_slice(whole.as_bytes());
        return;
    }
    let mut digits = *b".000000";
    for digit in digits[1..].iter_mut().rev() {
        *digit += (decimals % 10) as u8;
        decimals /= 10;
    }
    let zeros = digits
        .iter()
        .rev()
        .take_while(|&&digit| digit == b'0')
        .count();
    output.extend_from_slice(&digits[..digits.len() - zeros]);
}

/// Appends a string of JSON with its quotes.
pub(crate) fn push_string(output: &mut Vec<u8>, text: &str) {
    output.push(b'"');
    push_escaped(output, text);
    output.push(b'"');
}

/// Appends what stands between the quotes of a string of JSON.
pub(crate) fn push_escaped(output: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = next_escaped(rest) {
        let (plain, from) = rest.split_at(at);
        output.extend_from_slice(plain);
        let Some((&byte, behind)) = from.split_first() else {
            break;
        };
        push_escape(output, byte);
        rest = behind;
    }
    output.extend_from_slice(rest);
}

fn must_be_escaped(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The first byte that cannot stand in a string as it is.
fn next_escaped(bytes: &[u8]) -> Option<usize> {
    // Looking at many bytes without a branch between them lets the compiler use wide registers.
    const WIDTH: usize = 32;
    let mut start = 0;
    for chunk in bytes.chunks(WIDTH) {
        let any = chunk
            .iter()
            .fold(false, |any, &byte| any | must_be_escaped(byte));
        if any {
            break;
        }
        start += chunk.len();
    }
    let rest = bytes[start..].iter();
    rest.copied().position(must_be_escaped).map(|at| start + at)
}

fn push_escape(output: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0C => b'f',
        b'\r' => b'r',
        _ => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            output.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            return;
        }
    };
    output.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut output = Vec::new();
        write(&mut output);
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn decimals_are_short_and_never_in_powers() {
        let decimal = |probability| written(|output| push_decimal(output, probability, ".0"));
        for (probability, expected) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.5, "0.5"),
            (1e-6, "0.000001"),
            (4.9e-7, "0.0"),
            (0.123_456_7, "0.123457"),
            (0.999_999_6, "1.0"),
            (0.1, "0.1"),
            (0.012_34, "0.01234"),
        ] {
            assert_eq!(decimal(probability), expected);
        }
        assert_eq!(written(|output| push_decimal(output, 1.0, "")), "1");
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard_library(number in any::<u64>(), shift in 0_u32..64) {
            let number = number >> shift;
            prop_assert_eq!(written(|output| push_number(output, number)), number.to_string());
        }

        #[test]
        fn decimals_are_the_rounded_probability(probability in 0.0_f64..=1.0) {
            let rounded = (probability * 1e6).round() / 1e6;
            let decimal = written(|output| push_decimal(output, probability, ""));
            prop_assert_eq!(&decimal, &rounded.to_string());
            let whole = written(|output| push_decimal(output, probability, ".0"));
            prop_assert_eq!(serde_json::from_str::<f64>(&whole).unwrap(), rounded);
        }

        #[test]
        fn strings_are_those_of_serde_json(text in "[\\x00-\\x22\\\\a\u{7F}غ\u{2028}😀]{0,80}") {
            let string = written(|output| push_string(output, &text));
            prop_assert_eq!(string, serde_json::to_string(&text).unwrap());
        }
    }
}
