//! Units that are JSON objects.

use std::borrow::Cow;

use super::{DEFAULT_ID_FIELD, InputFields, Unit};
use crate::corpus::{ObjectFormat, scalar};
use crate::predict::fields::{FieldReader, FieldValue};

/// Which fields of JSON objects are asked for.
#[derive(Debug)]
pub(super) struct Objects {
    reader: FieldReader,
    /// The names, each once; the places below are in them.
    names: Vec<String>,
    text: Places,
    id: Places,
    doc: Places,
    keep: Vec<Places>,
}

/// Where a field may stand, the likeliest first.
type Places = Vec<usize>;

/// The value at the first place that has one.
fn at<'v, 'a>(
    places: &[usize],
    values: &'v [Option<FieldValue<'a>>],
) -> Option<(usize, &'v FieldValue<'a>)> {
    let mut found = places
        .iter()
        .filter_map(|&place| Some((place, values.get(place)?.as_ref()?)));
    found.next()
}

impl Objects {
    /// Fields of objects of a format: annotation tools keep those of the user within others.
    pub(super) fn new(fields: &InputFields, format: ObjectFormat) -> Self {
        let mut names: Vec<String> = Vec::new();
        let mut place_of = |name: String| {
            let known = names.iter().position(|known| *known == name);
            known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            })
        };
        let nest = match format {
            ObjectFormat::Own => None,
            ObjectFormat::LabelStudio => Some("data"),
            ObjectFormat::Doccano | ObjectFormat::Prodigy => Some("meta"),
        };
        let mut places_of = |name: &str| -> Places {
            let nested = nest.map(|nest| format!("{nest}.{name}"));
            let names = std::iter::once(name.to_owned()).chain(nested);
            names.map(&mut place_of).collect()
        };
        let mut text = places_of(&fields.text);
        if format == ObjectFormat::Doccano && fields.text == "text" {
            // As older versions export it.
            text.extend(places_of("data"));
        }
        let id = fields.id.as_deref().unwrap_or(DEFAULT_ID_FIELD);
        Self {
            text,
            id: places_of(id),
            doc: places_of(&fields.doc),
            keep: fields.keep.iter().map(|name| places_of(name)).collect(),
            reader: FieldReader::new(names.clone()),
            names,
        }
    }

    /// The unit that the text of an object is.
    pub(super) fn unit<'a>(
        &self,
        mut unit: Unit<'a>,
        object: std::result::Result<&'a str, String>,
    ) -> Unit<'a> {
        let mut values = match object.and_then(|text| self.reader.read(text)) {
            Ok(values) => values,
            Err(message) => {
                unit.text = Err(message);
                return unit;
            }
        };
        let null = FieldValue::Other(serde_json::Value::Null);
        let kept = self.keep.iter().map(|places| {
            let value = at(places, &values).map(|(_, value)| value);
            Some(value.unwrap_or(&null).clone())
        });
        unit.kept = kept.collect();
        let id = self.scalar(&self.id, &values);
        let doc = self.scalar(&self.doc, &values);
        let place = at(&self.text, &values).map(|(place, _)| place);
        let name = |place: Option<usize>| {
            let place = place.or_else(|| self.text.first().copied());
            place
                .and_then(|place| self.names.get(place))
                .map_or("", String::as_str)
        };
        let text = place.and_then(|place| values.get_mut(place)?.take());
        unit.text = match text {
            Some(FieldValue::Text(text)) => Ok(text),
            Some(FieldValue::Other(_)) => {
                Err(format!("the field {:?} is not a string", name(place)))
            }
            None => Err(format!("there is no field {:?}", name(None))),
        };
        for (target, value) in [(&mut unit.id, id), (&mut unit.doc, doc)] {
            match value {
                Ok(value) => *target = value,
                Err(message) => unit.text = Err(message),
            }
        }
        unit
    }

    /// A string or a number as text.
    fn scalar<'a>(
        &self,
        places: &[usize],
        values: &[Option<FieldValue<'a>>],
    ) -> std::result::Result<Option<Cow<'a, str>>, String> {
        match at(places, values) {
            Some((_, FieldValue::Text(text))) => Ok(Some(text.clone())),
            Some((place, FieldValue::Other(value))) => {
                let name = self.names.get(place).map_or("", String::as_str);
                let text = scalar(name, Some(value))?;
                Ok(text.map(Cow::Owned))
            }
            None => Ok(None),
        }
    }
}
