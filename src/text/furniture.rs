//! Page furniture of news sites: lines that surround an article and report nothing.

use serde::{Deserialize, Serialize};

use super::characters::is_arabic_letter;

/// Version of the furniture rules; stored in the model.
pub const FURNITURE_VERSION: u32 = 1;

impl Furniture {
    /// A line of more words is none.
    pub(crate) const MOST_WORDS: usize = LONGEST_LINE;

    /// Whether such a line reports nothing by the annotation rules, whatever words it holds.
    pub fn carries_no_label(self) -> bool {
        matches!(self, Self::Dateline | Self::Source | Self::Credit)
    }
}

/// What a line of furniture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Furniture {
    /// Who wrote it (بقلم: …، كتب: …).
    Byline,
    /// When or where it was published (الثلاثاء 3 آذار 2015، آخر تحديث: …).
    Dateline,
    /// Where it was taken from (المصدر : وكالات).
    Source,
    /// Links to other pages (اقرأ أيضا، حول هذه القصة).
    Related,
    /// A photo credit, in Latin script or marked as one.
    Credit,
    /// A caption or headline that the same document held before.
    Repeated,
}

/// A byline, dateline, source line or the like has at most this many words.
const LONGEST_LINE: usize = 12;

const SOURCE_STARTS: &[&str] = &["المصدر", "المصادر", "مصدر الخبر", "نقلا عن"];
const RELATED_STARTS: &[&str] = &[
    "حول هذه القصه",
    "اقرا ايضا",
    "اقرا المزيد",
    "اقرا كذلك",
    "شاهد ايضا",
    "شاهدوا ايضا",
    "طالع ايضا",
    "مواضيع ذات صله",
    "مواد ذات صله",
    "اخبار ذات صله",
    "ذات صله",
    "اخبار متعلقه",
    "مقالات ذات صله",
    "روابط ذات صله",
    "للمزيد",
    "كلمات مفتاحيه",
    "الكلمات المفتاحيه",
    "كلمات دلاليه",
    "شارك هذا",
    "شارك المقال",
    "تابعنا على",
    "تابعونا",
    "اشترك في",
];
const BYLINE_STARTS: &[&str] = &["بقلم", "كتب", "كتبت", "اعداد", "تحرير", "ترجمه"];
const CREDIT_STARTS: &[&str] = &["تصوير", "عدسه"];
const DATELINE_STARTS: &[&str] = &[
    "اخر تحديث",
    "تاريخ النشر",
    "نشر في",
    "نشر بتاريخ",
    "نشرت في",
    "تم النشر",
    "وقت النشر",
];
const OUTLETS: &[&str] = &[
    "وكالات",
    "الوكالات",
    "رويترز",
    "فرانس برس",
    "ا ف ب",
    "اف ب",
    "الاناضول",
    "سانا",
    "الجزيره نت",
    "العربيه نت",
    "سكاي نيوز",
    "بي بي سي",
];
const DATE_WORDS: &[&str] = &[
    "السبت",
    "الاحد",
    "الاثنين",
    "الثلاثاء",
    "الاربعاء",
    "الخميس",
    "الجمعه",
    "يناير",
    "فبراير",
    "مارس",
    "ابريل",
    "مايو",
    "يونيو",
    "يوليو",
    "اغسطس",
    "سبتمبر",
    "اكتوبر",
    "نوفمبر",
    "ديسمبر",
    "كانون",
    "الثاني",
    "الاول",
    "شباط",
    "اذار",
    "نيسان",
    "ايار",
    "حزيران",
    "تموز",
    "اب",
    "ايلول",
    "تشرين",
    "محرم",
    "صفر",
    "ربيع",
    "الاخر",
    "جمادي",
    "الاخره",
    "رجب",
    "شعبان",
    "رمضان",
    "شوال",
    "ذو",
    "ذي",
    "القعده",
    "الحجه",
    "ه",
    "هـ",
    "م",
    "ص",
    "صباحا",
    "مساء",
    "الساعه",
    "بتوقيت",
    "غرينتش",
    "غرينيتش",
    "جرينتش",
    "مكه",
    "المكرمه",
    "الموافق",
    "يوم",
    "تاريخ",
    "الماضي",
];

/// Recognises a line of furniture that needs no context. `normalized` is the line after the
/// default folds; a line that is an ordinary sentence gives `None`.
pub fn recognize_furniture(normalized: &str) -> Option<Furniture> {
    let words: Vec<&str> = normalized
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() || words.len() > LONGEST_LINE {
        return None;
    }
    let line = words.join(" ");
    let starts = |list: &[&str]| list.iter().any(|start| starts_with_words(&line, start));
    if !normalized.chars().any(is_arabic_letter) {
        let latin = normalized.chars().any(char::is_alphabetic);
        return if latin {
            Some(Furniture::Credit)
        } else {
            is_date(&words).then_some(Furniture::Dateline)
        };
    }
    if is_field(normalized, SOURCE_STARTS) || (starts(SOURCE_STARTS) && words.len() <= 3) {
        return Some(Furniture::Source);
    }
    if starts(RELATED_STARTS) {
        return Some(Furniture::Related);
    }
    if is_field(normalized, CREDIT_STARTS) {
        return Some(Furniture::Credit);
    }
    let dated = line.contains(|character: char| character.is_ascii_digit());
    if (starts(DATELINE_STARTS) && dated) || is_date(&words) {
        return Some(Furniture::Dateline);
    }
    let signed = line.starts_with("بقلم ") && words.len() <= 6;
    let names_outlet = OUTLETS.iter().any(|outlet| ends_with_words(&line, outlet));
    let bare_outlet = names_outlet && words.len() <= 4 && words_before_sign(normalized) <= 2;
    (signed || is_field(normalized, BYLINE_STARTS) || bare_outlet).then_some(Furniture::Byline)
}

const FIELD_SIGNS: &[char] = &[':', '|', '/', '-', '–', '—', '('];

/// Whether a line is one of the given words, a sign right after it, and few words more. A longer
/// rest is news with its source before it.
fn is_field(normalized: &str, starts: &[&str]) -> bool {
    const LONGEST_REST: usize = 4;
    let Some((name, rest)) = normalized.split_once(FIELD_SIGNS) else {
        return false;
    };
    starts.contains(&name.trim()) && rest.split_whitespace().count() <= LONGEST_REST + 1
}

fn words_before_sign(normalized: &str) -> usize {
    normalized
        .split_once(FIELD_SIGNS)
        .map_or(usize::MAX, |(before, _)| before.split_whitespace().count())
}

fn is_date(words: &[&str]) -> bool {
    let number = |word: &str| word.chars().all(|character| character.is_ascii_digit());
    words.iter().any(|word| number(word))
        && words
            .iter()
            .all(|word| number(word) || DATE_WORDS.contains(word))
}

fn starts_with_words(line: &str, start: &str) -> bool {
    line.strip_prefix(start)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn ends_with_words(line: &str, end: &str) -> bool {
    line.strip_suffix(end)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Normalizer;

    fn recognized(line: &str) -> Option<Furniture> {
        recognize_furniture(Normalizer::default().normalize(line).text())
    }

    #[test]
    fn furniture_is_recognised() {
        for (line, expected) in [
            ("المصدر : الجزيرة + وكالات", Furniture::Source),
            ("حول هذه القصة", Furniture::Related),
            ("اقرأ أيضًا: غارات على حلب", Furniture::Related),
            ("كتب: محرر الشؤون العربية", Furniture::Byline),
            ("دمشق – رويترز", Furniture::Byline),
            ("الثلاثاء ١٢ آذار ٢٠١٣", Furniture::Dateline),
            ("2015-08-06 18:16", Furniture::Dateline),
            ("آخر تحديث: 18:00", Furniture::Dateline),
            ("AFP / Getty Images", Furniture::Credit),
            ("بقلم أحمد العلي", Furniture::Byline),
            ("تصوير: مراد الحسن", Furniture::Credit),
        ] {
            assert_eq!(recognized(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn sentences_are_not_furniture() {
        for line in [
            "غارات جوية على ريف حلب",
            "مراسلنا: قصف مدفعي على بلدة اللطامنة",
            "كتب ناشطون: الطيران الحربي يقصف دوما",
            "المصدر الطبي: مقتل خمسة مدنيين في غارة للطيران على دوما",
            "المصادر المحلية - الجيش سيطر على بلدة خان شيخون بالكامل",
            "نقلا عن ناشطين: غارات جوية مكثفة على دوما ومقتل عشرة",
            "تقرير: غارات روسية على إدلب",
            "نشرت في محيط البلدة راجمات قصفت القرى بالصواريخ",
            "صورة: غارات جوية على حلب",
            "غارات على حلب - رويترز",
            "كتب على جدران البلدة شعارات ثم أحرق المنازل",
            "مصدر عسكري: مقتل عشرة في اشتباكات",
            "قصف مدفعي على داريا",
            "تحرير بلدة كنسبا",
            "",
            "!!!",
        ] {
            assert_eq!(recognized(line), None, "{line}");
        }
    }
}
