//! Bringing together rows that say something of the same sentence: answers to one label at a time, and
//! the annotations of several people.

use std::collections::{BTreeSet, HashMap};

use super::labels::{LabelSet, parents, with_parents};
use super::record::{ReadCounts, Record};

/// A record, and what is known of it beside.
pub(super) struct ReadRecord {
    pub(super) record: Record,
    /// Whether its id stands in the corpus.
    pub(super) has_id: bool,
    /// Which sentence of a longer text it is, from 1.
    pub(super) sentence: Option<usize>,
    /// The labels that were asked about, where nothing was said of others.
    pub(super) asked: Option<LabelSet>,
}

/// The places of the records that say something of the same, in the order of their first.
fn groups<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = Option<K>>) -> Vec<Vec<usize>> {
    let mut known: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, key) in keys.enumerate() {
        match key {
            None => groups.push(vec![place]),
            Some(key) => {
                let group = *known.entry(key).or_insert(groups.len());
                match groups.get_mut(group) {
                    Some(group) => group.push(place),
                    None => groups.push(vec![place]),
                }
            }
        }
    }
    groups
}

/// Joins the answers that one annotator gave on labels of the same text, document and id. A label that
/// was both accepted and rejected is left open, as is every label of the corpus not asked about.
pub(super) fn join_answers(read: Vec<ReadRecord>, counts: &mut ReadCounts) -> Vec<ReadRecord> {
    if read.iter().all(|row| row.asked.is_none()) {
        return read;
    }
    counts.answers += read.iter().filter(|row| row.asked.is_some()).count();
    let all: LabelSet = read
        .iter()
        .flat_map(|row| row.record.labels.iter().chain(row.asked.iter().flatten()))
        .cloned()
        .collect();
    let key = |row: &ReadRecord| {
        let record = &row.record;
        let id = row.has_id.then(|| record.id.clone());
        let text = record.text.trim().to_owned();
        (row.asked.is_some()).then(|| (record.annotator.clone(), record.doc.clone(), id, text))
    };
    let groups = groups(read.iter().map(key));
    let mut rows: Vec<Option<ReadRecord>> = read.into_iter().map(Some).collect();
    let mut joined = Vec::with_capacity(groups.len());
    for group in groups {
        let mut members = group
            .iter()
            .filter_map(|&place| rows.get_mut(place)?.take());
        let Some(mut first) = members.next() else {
            continue;
        };
        let Some(mut asked) = first.asked.take() else {
            joined.push(first);
            continue;
        };
        let mut yes = first.record.labels.clone();
        let mut no: LabelSet = asked.difference(&yes).cloned().collect();
        for other in members {
            let others = other.asked.unwrap_or_default();
            no.extend(others.difference(&other.record.labels).cloned());
            yes.extend(other.record.labels);
            asked.extend(others);
        }
        let open: LabelSet = yes.intersection(&no).cloned().collect();
        let said_no =
            |label: &String| no.contains(label) || parents(label).any(|parent| no.contains(parent));
        let implied = with_parents(yes.iter().map(String::as_str));
        let not_asked = all
            .iter()
            .filter(|label| !said_no(label) && !implied.contains(*label));
        first.record.unsure = not_asked.chain(&open).cloned().collect();
        first.record.labels = &yes - &open;
        joined.push(first);
    }
    counts.annotated = joined.len();
    joined
}

/// Brings the annotations that several people gave of the same sentence to one record, with each label
/// that more of them hold than deny; one with as many for as against is left open. A sentence is the same
/// when document, text, and id where it has one are. Of several annotations by one person the last counts.
pub(super) fn decide_by_majority(
    read: Vec<ReadRecord>,
    counts: &mut ReadCounts,
) -> Vec<ReadRecord> {
    let key = |row: &ReadRecord| {
        let record = &row.record;
        record.annotator.as_ref()?;
        let id = row.has_id.then(|| record.id.clone());
        let text = record.text.trim().to_owned();
        Some((record.doc.clone(), id, row.sentence, text))
    };
    if read.iter().all(|row| row.record.annotator.is_none()) {
        return read;
    }
    let groups = groups(read.iter().map(key));
    let mut rows: Vec<Option<ReadRecord>> = read.into_iter().map(Some).collect();
    let mut decided = Vec::with_capacity(groups.len());
    for group in groups {
        let members: Vec<ReadRecord> = group
            .iter()
            .filter_map(|&place| rows.get_mut(place)?.take())
            .collect();
        let annotators: BTreeSet<Option<&String>> = members
            .iter()
            .map(|row| row.record.annotator.as_ref())
            .collect();
        if annotators.len() < 2 {
            decided.extend(members);
            continue;
        }
        counts.voted += members.len();
        counts.decided += 1;
        decided.extend(majority(members, counts));
    }
    counts.annotated = decided.len();
    decided
}

fn majority(members: Vec<ReadRecord>, counts: &mut ReadCounts) -> Option<ReadRecord> {
    let mut last: Vec<&Record> = Vec::new();
    for row in &members {
        last.retain(|earlier| earlier.annotator != row.record.annotator);
        last.push(&row.record);
    }
    let named = last
        .iter()
        .flat_map(|record| record.labels.iter().chain(&record.unsure));
    let (mut labels, mut unsure) = (LabelSet::new(), LabelSet::new());
    for label in with_parents(named.map(String::as_str)) {
        let yes = last.iter().filter(|record| record.holds(&label)).count();
        let open = last
            .iter()
            .filter(|record| record.leaves_open(&label))
            .count();
        let no = last.len() - yes - open;
        if yes > no {
            labels.insert(label);
        } else if yes == no {
            counts.tied += usize::from(yes > 0);
            unsure.insert(label);
        }
    }
    let implied: Vec<String> = labels
        .iter()
        .flat_map(|label| parents(label).map(str::to_owned))
        .collect();
    for parent in implied {
        labels.remove(&parent);
    }
    let mut row = members.into_iter().next()?;
    row.record.labels = labels;
    row.record.unsure = unsure;
    row.record.annotator = None;
    Some(row)
}
