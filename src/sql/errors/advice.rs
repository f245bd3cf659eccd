//! What DataFusion says of frequent mistakes, for those who do not know its types: what is wrong, and
//! what to write.

use crate::error::shortened;

/// How a text becomes a number.
const NUMBERS: &str = "turn text into numbers with CAST(column AS DOUBLE), or give --infer for CSV that holds numbers";

/// A day in another form than ISO 8601 has.
const DATES: &str =
    "dates are written as 2024-01-31; others are read with to_date(column, '%d/%m/%Y')";

/// A frequent mistake in plain words; nothing where what DataFusion says is no such.
pub(crate) fn advised(message: &str) -> Option<String> {
    let told = [
        arithmetic,
        call,
        comparison,
        cast,
        form_of_date,
        group,
        field,
        dot,
        not_utf8,
    ];
    told.iter().find_map(|told| told(message))
}

/// What stands between two pieces of a message.
fn between<'m>(message: &'m str, before: &str, after: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

fn arithmetic(message: &str) -> Option<String> {
    let expression = between(
        message,
        "Cannot coerce arithmetic expression ",
        " to valid types",
    )?;
    let (left, rest) = expression.split_once(' ')?;
    let (sign, right) = rest.split_once(' ')?;
    let (left, right) = (in_words(left), in_words(right));
    let advice = match left == "text" || right == "text" {
        true => NUMBERS,
        false => "change a type with CAST(… AS …)",
    };
    Some(format!(
        "{left} {sign} {right} cannot be computed; {advice}"
    ))
}

/// A function of numbers that is given text.
fn call(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("given name and argument types '")?;
    let (call, known) = rest.split_once('\'')?;
    let (name, given) = call.strip_suffix(')')?.split_once('(')?;
    let of_texts = ["String", "Utf8", "Any"];
    let wants_texts = of_texts.iter().any(|of| known.contains(of));
    let is_sure = known.contains("Float64") && !wants_texts && in_words(given) == "text";
    is_sure.then(|| format!("{name} takes numbers, not text; {NUMBERS}"))
}

fn comparison(message: &str) -> Option<String> {
    let (_, types) = message.split_once("argument type for comparison operation ")?;
    let signs = [" = ", " != ", " <= ", " >= ", " < ", " > "];
    let (left, right) = signs.iter().find_map(|sign| types.split_once(sign))?;
    let advice = match types.contains("List(") {
        true => "write array_has(list, value), or event_holds(text, 'label')",
        false => "change a type with CAST(… AS …)",
    };
    Some(format!(
        "{} and {} cannot be compared; {advice}",
        in_words(left),
        in_words(right)
    ))
}

fn cast(message: &str) -> Option<String> {
    if message.contains("Unable to cast to Date32 for converting from i64") {
        return Some(format!("a text is no date: {DATES}"));
    }
    let (_, rest) = message.split_once("Cannot cast string '")?;
    let (text, wanted) = rest.rsplit_once("' to value of ")?;
    let text = shortened(text);
    let wanted = in_words(wanted.strip_suffix(" type")?);
    Some(match wanted.as_str() {
        "date" => format!("the text '{text}' is no date: {DATES}"),
        wanted => format!("the text '{text}' is no {wanted}; TRY_CAST gives null for such texts"),
    })
}

fn form_of_date(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("Error parsing timestamp from '")?;
    let (text, rest) = rest.split_once("' using format '")?;
    let text = shortened(text);
    let (form, _) = rest.split_once("':")?;
    Some(format!(
        "the text '{text}' has not the form '{form}'; '%d/%m/%Y' is the form of 31/01/2024"
    ))
}

fn group(message: &str) -> Option<String> {
    let rest = between(
        message,
        "column \"",
        "\" must appear in the GROUP BY clause",
    )?;
    Some(format!(
        "the column {rest:?} stands neither in GROUP BY nor in a function over groups such as count or max"
    ))
}

fn field(message: &str) -> Option<String> {
    let name = between(message, "Field ", " not found in struct")?;
    Some(format!(
        "there is no field {name:?}; SELECT the whole struct to see which there are"
    ))
}

fn dot(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("Dot access not supported for non-string expr")?;
    let field = between(rest, "value: \"", "\"").unwrap_or("field");
    Some(format!(
        "a field of what a function gives stands in brackets: …['{field}']"
    ))
}

/// Where a file is not known any more; those that read files name it.
fn not_utf8(message: &str) -> Option<String> {
    let line = between(
        message,
        "Encountered invalid UTF-8 data for line ",
        " and field",
    )?;
    Some(format!(
        "line {line} of a file is not UTF-8; save the file as UTF-8 first"
    ))
}

/// A type of Arrow as people call it.
fn in_words(name: &str) -> String {
    let name = name.trim();
    let begins = |beginnings: &[&str]| beginnings.iter().any(|of| name.starts_with(of));
    let words = match name {
        _ if begins(&["Utf8", "LargeUtf8"]) => "text",
        _ if begins(&["Int", "UInt"]) && !name.starts_with("Interval") => "whole number",
        _ if begins(&["Float", "Decimal"]) => "number",
        _ if begins(&["Boolean"]) => "truth value",
        _ if begins(&["Date"]) => "date",
        _ if begins(&["Timestamp", "Time"]) => "time",
        _ if begins(&["List(", "LargeList("]) => "list",
        _ if begins(&["Struct("]) => "struct",
        _ => name,
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::advised;

    #[test]
    fn frequent_mistakes_are_told_with_what_to_write() {
        for (message, words) in [
            (
                "Cannot coerce arithmetic expression Utf8 + Int64 to valid types",
                "text + whole number cannot be computed; turn text into numbers",
            ),
            (
                "Failed to coerce arguments for given name and argument types 'avg(Utf8)'. Candidate \
                 functions: avg(Decimal) avg(Float64)",
                "avg takes numbers, not text",
            ),
            (
                "Cannot infer common argument type for comparison operation List(Utf8) = Utf8",
                "list and text cannot be compared; write array_has",
            ),
            (
                "Cannot cast string '03/02/2024' to value of Date32 type",
                "the text '03/02/2024' is no date: dates are written as 2024-01-31",
            ),
            (
                "Cannot cast string 'zz' to value of Int32 type",
                "the text 'zz' is no whole number; TRY_CAST",
            ),
            (
                "Error parsing timestamp from '03/02/2024' using format 'DD': invalid characters",
                "has not the form 'DD'; '%d/%m/%Y' is the form of 31/01/2024",
            ),
            (
                "While expanding wildcard, column \"t.n\" must appear in the GROUP BY clause or must",
                "the column \"t.n\" stands neither in GROUP BY nor",
            ),
            ("Field clsh not found in struct", "no field \"clsh\""),
            (
                "Dot access not supported for non-string expr: Identifier(Ident { value: \"clash\", })",
                "…['clash']",
            ),
            (
                "Encountered invalid UTF-8 data for line 2 and field 3",
                "line 2 of a file is not UTF-8",
            ),
        ] {
            let told = advised(message).unwrap_or_default();
            assert!(told.contains(words), "{message}: {told}");
        }
        for other in [
            "",
            "anything else",
            "given name and argument types 'substr(Utf8, Int64)' candidates: substr(str: String)",
        ] {
            assert_eq!(advised(other), None);
        }
    }
}
