//! Fields of a JSON object: those that are asked for are read, all others skipped.

use std::borrow::Cow;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::corpus::not_an_object;

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
    names: Vec<String>,
}

impl FieldReader {
    /// A reader of fields of different names.
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { names }
    }

    /// The values of the fields in the order of their names; the last where one is given more than
    /// once.
    pub(super) fn read<'a>(&self, line: &'a str) -> Result<Vec<Option<FieldValue<'a>>>, String> {
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let found = deserializer.deserialize_map(ObjectVisitor(&self.names));
        found
            .and_then(|found| deserializer.end().map(|()| found))
            .map_err(|error| not_an_object(&error))
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
