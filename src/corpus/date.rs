//! Dates as rows have them.

use std::str::FromStr;

/// A day, a month or a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    year: u16,
    month: Option<u8>,
    day: Option<u8>,
}

impl Date {
    /// Reads what a field begins with: 2015, 2015-08, 2015-08-06, 2015/8/6 or 20150806, in any digits,
    /// with or without a time behind. Nothing for other ways to write a date, which could mean two days.
    pub fn read(field: &str) -> Option<Self> {
        let digits: String = field.trim().chars().map(western).collect();
        let end = digits.find(['T', ' ', 't']).unwrap_or(digits.len());
        let (date, _time) = digits.split_at(end);
        if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::of_parts(&[&date[..4], &date[4..6], &date[6..]]);
        }
        let parts: Vec<&str> = date.split(['-', '/']).collect();
        Self::of_parts(&parts)
    }

    fn of_parts(parts: &[&str]) -> Option<Self> {
        let number = |part: &str| -> Option<u16> {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        let year = number(parts.first()?).filter(|_| parts[0].len() == 4)?;
        let place = |at: usize, most: u16| match parts.get(at) {
            None => Some(None),
            Some(part) => {
                let number = number(part).filter(|number| (1..=most).contains(number))?;
                Some(u8::try_from(number).ok())
            }
        };
        (parts.len() <= 3).then_some(())?;
        Some(Self {
            year,
            month: place(1, 12)?,
            day: place(2, 31)?,
        })
    }

    /// Its year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// Its month, from 1, where it names one.
    pub fn month(self) -> Option<u8> {
        self.month
    }

    /// Whether it may lie on the first day of `limit` or later: a month and a year are as late as
    /// their last day, so that nothing later than the limit is taken for the past.
    pub fn may_be_from(self, limit: Self) -> bool {
        let last = (self.year, self.month.unwrap_or(12), self.day.unwrap_or(31));
        let first = (limit.year, limit.month.unwrap_or(1), limit.day.unwrap_or(1));
        last >= first
    }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        Self::read(given).ok_or_else(|| "a date is expected, as 2015-08-06, 2015-08 or 2015".into())
    }
}

/// The ASCII digit for an Arabic-Indic or Persian one.
fn western(character: char) -> char {
    let value = match character {
        '\u{0660}'..='\u{0669}' => u32::from(character) - 0x0660,
        '\u{06F0}'..='\u{06F9}' => u32::from(character) - 0x06F0,
        _ => return character,
    };
    char::from_digit(value, 10).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        let from = |date: &str, limit: &str| {
            let date = Date::read(date)?;
            Some(date.may_be_from(limit.parse().unwrap()))
        };
        for late in [
            "2015-08-06",
            "2015/8/6",
            "20150806T10:00",
            "٢٠١٥-٠٨-٠٦ 18:16",
            "2015-08",
            "2015",
            "2016-01-01",
        ] {
            assert_eq!(from(late, "2015-08-06"), Some(true), "{late}");
        }
        for early in ["2015-08-05T23:59", "2015-07", "2014"] {
            assert_eq!(from(early, "2015-08-06"), Some(false), "{early}");
        }
        for none in [
            "06/08/2015",
            "2015-13-01",
            "أمس",
            "",
            "2015-",
            "201508",
            "2015-08-06-01",
        ] {
            assert_eq!(from(none, "2015"), None, "{none}");
        }
    }
}
