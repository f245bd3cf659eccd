//! The fields of JSON Lines and what they hold.

use std::collections::HashMap;
use std::fmt;
use std::io::BufRead;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{TableFile, TableOptions};
use crate::compressed::Compression;
use crate::corpus::{BYTE_ORDER_MARK, open};
use crate::error::{Error, Result};

/// What a field holds in all rows so far.
#[derive(Debug, Default)]
enum Kind {
    #[default]
    Null,
    Truth,
    Whole,
    Number,
    Text,
    List(Box<Kind>),
    Object(Members),
}

/// The fields of an object in the order in which they were first seen.
#[derive(Debug, Default)]
struct Members {
    kinds: Vec<(String, Kind)>,
    places: HashMap<String, usize>,
    /// The place behind the member that was seen last: rows mostly have one order.
    next: usize,
}

impl Members {
    fn place(&mut self, name: &str) -> usize {
        let place = match self.kinds.get(self.next) {
            Some((expected, _)) if expected == name => self.next,
            _ => match self.places.get(name) {
                Some(place) => *place,
                None => {
                    self.places.insert(name.to_owned(), self.kinds.len());
                    self.kinds.push((name.to_owned(), Kind::Null));
                    self.kinds.len() - 1
                }
            },
        };
        self.next = place + 1;
        place
    }
}

impl Kind {
    fn told(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Truth => "true or false",
            Self::Whole | Self::Number => "a number",
            Self::Text => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Null => DataType::Null,
            Self::Truth => DataType::Boolean,
            Self::Whole => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::List(item) => {
                DataType::List(Arc::new(Field::new("item", item.data_type(), true)))
            }
            Self::Object(members) => DataType::Struct(members.fields()),
        }
    }

    fn conflict<E: serde::de::Error>(&self, found: &str) -> E {
        E::custom(Conflict {
            path: String::new(),
            found: found.to_owned(),
            before: self.told().to_owned(),
        })
    }

    fn take<E: serde::de::Error>(&mut self, found: Self) -> std::result::Result<(), E> {
        match (&*self, &found) {
            (Self::Null, _) | (Self::Whole, Self::Number) => *self = found,
            (Self::Truth, Self::Truth)
            | (Self::Whole, Self::Whole)
            | (Self::Number, Self::Whole | Self::Number)
            | (Self::Text, Self::Text) => {}
            _ => return Err(self.conflict(found.told())),
        }
        Ok(())
    }
}

impl Members {
    fn fields(&self) -> Fields {
        let kinds = self.kinds.iter();
        kinds
            .map(|(name, kind)| Field::new(name, kind.data_type(), true))
            .collect()
    }
}

/// How a row contradicts those before; written into the message of an error and read from it.
struct Conflict {
    path: String,
    found: String,
    before: String,
}

/// Parts the pieces of a conflict in a message; no plain text holds it.
const PART: char = '\u{1F}';

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            found,
            before,
        } = self;
        write!(formatter, "{PART}{path}{PART}{found}{PART}{before}{PART}")
    }
}

impl Conflict {
    fn of(message: &str) -> Option<Self> {
        let mut parts = message.split(PART).skip(1);
        Some(Self {
            path: parts.next()?.to_owned(),
            found: parts.next()?.to_owned(),
            before: parts.next()?.to_owned(),
        })
    }
}

/// Reads a value into what is known of its field.
struct See<'k>(&'k mut Kind);

impl<'de> DeserializeSeed<'de> for See<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for See<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> std::result::Result<(), E> {
        self.0.take(Kind::Truth)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> std::result::Result<(), E> {
        self.0.take(Kind::Whole)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> std::result::Result<(), E> {
        self.0.take(match i64::try_from(number) {
            Ok(_) => Kind::Whole,
            Err(_) => Kind::Number,
        })
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> std::result::Result<(), E> {
        self.0.take(Kind::Number)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> std::result::Result<(), E> {
        self.0.take(Kind::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        if let Kind::Null = self.0 {
            *self.0 = Kind::List(Box::default());
        }
        let Kind::List(item) = self.0 else {
            return Err(self.0.conflict("a list"));
        };
        loop {
            match items.next_element_seed(See(item)) {
                Ok(Some(())) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(within("[]", error)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<(), A::Error> {
        if let Kind::Null = self.0 {
            *self.0 = Kind::Object(Members::default());
        }
        let Kind::Object(members) = self.0 else {
            return Err(self.0.conflict("an object"));
        };
        members.next = 0;
        while let Some(place) = entries.next_key_seed(Name(members))? {
            let Some((name, kind)) = members.kinds.get_mut(place) else {
                return Err(A::Error::custom("a field that was just seen is not known"));
            };
            entries
                .next_value_seed(See(kind))
                .map_err(|error| within(name, error))?;
        }
        Ok(())
    }
}

/// Reads the name of a member and gives its place.
struct Name<'m>(&'m mut Members);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> std::result::Result<usize, E> {
        Ok(self.0.place(name))
    }
}

/// Tells in which field a conflict lies.
fn within<E: serde::de::Error>(name: &str, error: E) -> E {
    let Some(conflict) = Conflict::of(&error.to_string()) else {
        return error;
    };
    let path = match conflict.path.as_str() {
        "" => name.to_owned(),
        path if path.starts_with('[') => format!("{name}{path}"),
        path => format!("{name}.{path}"),
    };
    E::custom(Conflict { path, ..conflict })
}

/// The fields of a file's rows: all that there are, or those of the first rows where fewer are to be
/// looked at. Tells whether rows are left that were not.
pub(super) fn fields(
    file: &TableFile,
    compression: Compression,
    options: TableOptions,
) -> Result<(SchemaRef, bool)> {
    let mut reader = open(&file.path)?;
    let mut kind = Kind::Object(Members::default());
    let mut line = Vec::new();
    let (mut number, mut rows) = (0, 0);
    while rows < options.sample() {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        if read.map_err(|error| Error::io(&file.path, error))? == 0 {
            break;
        }
        number += 1;
        let object = match line.strip_prefix(BYTE_ORDER_MARK) {
            // The reader of rows is given blanks for it.
            Some(rest) if number == 1 && compression == Compression::None => rest,
            _ => &line,
        };
        if object.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        rows += 1;
        see(object, &mut kind).map_err(|message| Error::Row {
            path: file.path.clone(),
            line: number,
            message,
        })?;
    }
    let rest = reader.fill_buf();
    let sampled = !rest
        .map_err(|error| Error::io(&file.path, error))?
        .is_empty();
    let fields = match kind {
        Kind::Object(members) => members.fields(),
        _ => Fields::empty(),
    };
    Ok((Arc::new(Schema::new(fields)), sampled))
}

fn see(line: &[u8], kind: &mut Kind) -> std::result::Result<(), String> {
    if line.starts_with(BYTE_ORDER_MARK) {
        return Err("begins with a byte order mark; save the text without it".into());
    }
    if line.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err("is a list; each line must hold one object, as jq -c '.[]' writes them".into());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let seen = See(kind).deserialize(&mut deserializer);
    seen.and_then(|()| deserializer.end()).map_err(|error| {
        let message = error.to_string();
        match Conflict::of(&message) {
            Some(conflict) if conflict.path.is_empty() => {
                format!("holds {}, no object", conflict.found)
            }
            Some(conflict) => format!(
                "field {:?} holds {}, but {} in rows before",
                conflict.path, conflict.found, conflict.before
            ),
            None => {
                let what = message.split(" at line ").next().unwrap_or(&message);
                format!("is no JSON: {what}")
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(lines: &[&str]) -> std::result::Result<String, String> {
        let mut kind = Kind::Object(Members::default());
        for line in lines {
            see(line.as_bytes(), &mut kind)?;
        }
        Ok(kind.data_type().to_string())
    }

    #[test]
    fn fields_are_those_of_all_rows() {
        let found = kinds(&[
            r#"{"a":1,"b":null,"c":{"d":[]}}"#,
            r#"{"c":{"d":[1.5],"e":"x"},"a":2.5,"f":true}"#,
        ])
        .unwrap();
        let member = |name: &str, kind: DataType| Field::new(name, kind, true);
        let list = DataType::List(Arc::new(member("item", DataType::Float64)));
        let c = DataType::Struct(vec![member("d", list), member("e", DataType::Utf8)].into());
        let expected = DataType::Struct(
            vec![
                member("a", DataType::Float64),
                member("b", DataType::Null),
                member("c", c),
                member("f", DataType::Boolean),
            ]
            .into(),
        );
        assert_eq!(found, expected.to_string());
    }

    #[test]
    fn contradictions_name_the_field() {
        let told = kinds(&[r#"{"a":{"b":[1]}}"#, r#"{"a":{"b":["x"]}}"#]).unwrap_err();
        assert_eq!(
            told,
            "field \"a.b[]\" holds text, but a number in rows before"
        );
        assert!(kinds(&["3"]).unwrap_err().contains("no object"));
        assert!(kinds(&["{\"a\":"]).unwrap_err().starts_with("is no JSON"));
        assert!(kinds(&["[1]"]).unwrap_err().contains("jq"));
    }
}
