//! Fields of a JSON object: those that are asked for are read, all others skipped.

use std::borrow::Cow;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::corpus::{at_path, not_an_object};

/// The value of a field, borrowed where it stands in the file as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// A string.
    Text(Cow<'a, str>),
    /// Any other value of JSON.
    Other(Value),
}

/// Reads some fields of objects.
#[derive(Clone, Debug)]
pub(super) struct FieldReader {
    /// The names, then the first parts of those with dots.
    names: Vec<String>,
    /// For each name with a dot: its place, that of its first part, and the rest.
    paths: Vec<(usize, usize, String)>,
}

impl FieldReader {
    /// A reader of fields of different names. A name with dots is that of a field, else it leads to one
    /// within others.
    pub(super) fn new(mut names: Vec<String>) -> Self {
        let mut paths = Vec::new();
        for place in 0..names.len() {
            let Some((first, rest)) = names[place].split_once('.') else {
                continue;
            };
            let (first, rest) = (first.to_owned(), rest.to_owned());
            let known = names.iter().position(|name| *name == first);
            let first = known.unwrap_or_else(|| {
                names.push(first);
                names.len() - 1
            });
            paths.push((place, first, rest));
        }
        Self { names, paths }
    }

    /// The values of the fields in the order of their names, and of first parts of names with dots; the
    /// last where one is given more than once.
    pub(super) fn read<'a>(&self, line: &'a str) -> Result<Vec<Option<FieldValue<'a>>>, String> {
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let found = deserializer.deserialize_map(ObjectVisitor(&self.names));
        let mut found = found
            .and_then(|found| deserializer.end().map(|()| found))
            .map_err(|error| not_an_object(&error))?;
        for (place, first, rest) in &self.paths {
            let within = match found.get(*first) {
                Some(Some(FieldValue::Other(Value::Object(object)))) => at_path(object, rest),
                _ => None,
            };
            let Some(within) = within.cloned() else {
                continue;
            };
            if let Some(value @ None) = found.get_mut(*place) {
                *value = Some(match within {
                    Value::String(text) => FieldValue::Text(Cow::Owned(text)),
                    other => FieldValue::Other(other),
                });
            }
        }
        Ok(found)
    }
}

struct ObjectVisitor<'n>(&'n [String]);

impl<'a> Visitor<'a> for ObjectVisitor<'_> {
    type Value = Vec<Option<FieldValue<'a>>>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut found = vec![None; self.0.len()];
        while let Some(place) = object.next_key_seed(NameSeed(self.0))? {
            match place.and_then(|place| found.get_mut(place)) {
                Some(value) => *value = Some(object.next_value()?),
                None => {
                    object.next_value::<Skipped>()?;
                }
            }
        }
        Ok(found)
    }
}

/// Reads a key and gives its place among the names that are asked for.
struct NameSeed<'n>(&'n [String]);

impl<'a> DeserializeSeed<'a> for NameSeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| name == key))
    }
}

impl<'a> Deserialize<'a> for FieldValue<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'a> Visitor<'a> for ValueVisitor {
    type Value = FieldValue<'a>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any valid JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(FieldValue::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(FieldValue::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(FieldValue::Other(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(FieldValue::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(FieldValue::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(FieldValue::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(FieldValue::Other(value.into()))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, items: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(items)).map(FieldValue::Other)
    }

    fn visit_map<A: MapAccess<'a>>(self, object: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(object)).map(FieldValue::Other)
    }
}

/// A value that nobody asks for, read so that what is wrong in it is found.
struct Skipped;

impl<'a> Deserialize<'a> for Skipped {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'a> Visitor<'a> for Skipped {
    type Value = Self;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any valid JSON value")
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Map;

    fn as_value(found: FieldValue<'_>) -> Value {
        match found {
            FieldValue::Text(text) => Value::String(text.into_owned()),
            FieldValue::Other(value) => value,
        }
    }

    /// The same, with the whole object read.
    fn read_plainly(names: &[String], line: &str) -> Result<Vec<Option<Value>>, String> {
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| not_an_object(&error))?;
        Ok(names.iter().map(|name| object.get(name).cloned()).collect())
    }

    #[test]
    fn only_escaped_strings_are_copied() {
        let reader = FieldReader::new(vec!["a".into(), "b".into(), "c".into()]);
        let found = reader.read(r#"{"a":"غارة","\u0062":"\u063a"}"#).unwrap();
        assert!(matches!(
            &found[0],
            Some(FieldValue::Text(Cow::Borrowed("غارة")))
        ));
        assert!(matches!(&found[1], Some(FieldValue::Text(Cow::Owned(text))) if text == "غ"));
        assert!(found[2].is_none());
    }

    #[test]
    fn names_with_dots_lead_to_fields_within_others() {
        let names = ["data.text", "data", "a.b.c", "x.y"].map(str::to_owned);
        let reader = FieldReader::new(names.to_vec());
        let read = |line: &str| -> Vec<Option<Value>> {
            let found = reader.read(line).unwrap();
            found
                .into_iter()
                .take(4)
                .map(|value| value.map(as_value))
                .collect()
        };
        let found = read(r#"{"a":{"b":{"c":7}},"data":{"text":"t"},"x.y":1,"x":{"y":2}}"#);
        assert_eq!(found[0], Some("t".into()));
        assert_eq!(found[1], Some(serde_json::json!({"text": "t"})));
        assert_eq!(found[2], Some(7.into()));
        assert_eq!(
            found[3],
            Some(1.into()),
            "a field of that very name comes first"
        );
        assert_eq!(read(r#"{"data":"text","a":{"b":1}}"#)[0], None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn fields_are_those_of_the_whole_object(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"a\":1", "\"b\":\"غ\\n\"", "\"x\":[1,{}]",
                    "null", "true", "1e3", "18446744073709551616", "-0", "\"\\u0061\"", " ", "\"",
                    "\"a\":", "{\"a\":\"t\",\"b\":2}", "\u{7}", "1", "1e400", "\"\\ud800\"",
                ]),
                0..8,
            ),
            wrapped in any::<bool>(),
        ) {
            let inner = pieces.concat();
            let line = if wrapped { format!("{{{inner}}}") } else { inner };
            let names = ["a", "b"].map(str::to_owned).to_vec();
            let found = FieldReader::new(names.clone()).read(&line);
            let found = found.map(|values| values.into_iter().map(|value| value.map(as_value)).collect());
            prop_assert_eq!(found, read_plainly(&names, &line));
        }
    }
}
