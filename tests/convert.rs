//! `marsad convert` as its users call it.

mod support;

use serde_json::{Value, json};
use support::Folder;

const CORPUS: &str = r#"{"id":"a","doc":"d1","text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"","labels":["shelling","capture.person"],"unsure":["clash"],"annotator":"7","n":1,"list":[1],"outlet":"أخبار"}
{"text":"عقد المجلس اجتماعاً","labels":[],"n":2.5,"annotator":"sara"}
{"text":"لم يقرأها أحد","id":"q","n":null,"accept":true}
"#;

/// Runs the program on the corpus above.
fn converted(arguments: &[&str]) -> support::Run {
    let folder = Folder::new();
    folder.write("in.jsonl", CORPUS);
    let arguments: Vec<&str> = ["convert", "in.jsonl"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    folder.marsad(&arguments).done()
}

#[test]
fn jsonl_is_written_as_documented() {
    let run = converted(&["--to", "jsonl"]);
    assert_eq!(
        run.out,
        r#"{"id":"a","doc":"d1","text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"","labels":["capture.person","shelling"],"unsure":["clash"],"annotator":"7","n":1,"list":[1],"outlet":"أخبار"}
{"text":"عقد المجلس اجتماعاً","labels":[],"annotator":"sara","n":2.5}
{"id":"q","text":"لم يقرأها أحد","labels":null,"n":null,"accept":true}
"#
    );
    assert_eq!(run.err, "");
}

#[test]
fn tables_are_written_as_documented() {
    let run = converted(&["--to", "csv", "--bom"]);
    assert_eq!(
        run.out,
        "\u{FEFF}id,doc,text,labels,unsure,annotator,n,list,outlet,accept\n\
         a,d1,\"قصفت المدفعية, أطراف\nالبلدة \"\"😀\"\"\",capture.person|shelling,clash,7,1,[1],أخبار,\n\
         ,,عقد المجلس اجتماعاً,none,,sara,2.5,,,\n\
         q,,لم يقرأها أحد,,,,,,,true\n"
    );
    let kinds = "numbers, truth values, lists and objects become text";
    assert_eq!(
        run.err,
        format!(
            "marsad: the field \"accept\": {kinds} (1 row)\n\
             marsad: the field \"list\": {kinds} (1 row)\n\
             marsad: the field \"n\": {kinds} (2 rows)\n"
        )
    );
    let run = converted(&["--to", "tsv", "--wide"]);
    assert_eq!(
        run.out,
        "id\tdoc\ttext\tcapture.person\tclash\tshelling\tannotator\tn\tlist\toutlet\taccept\n\
         a\td1\tقصفت المدفعية, أطراف البلدة \"😀\"\t1\t\t1\t7\t1\t[1]\tأخبار\t\n\
         \t\tعقد المجلس اجتماعاً\t0\t0\t0\tsara\t2.5\t\t\t\n\
         q\t\tلم يقرأها أحد\t\t\t\t\t\t\t\ttrue\n"
    );
    for told in [
        "the field \"text\": tabs and line breaks become spaces (1 row)",
        "the field \"accept\": holds only 0 and 1, so it is read as a label (1 row)",
    ] {
        assert!(run.err.contains(told), "{}", run.err);
    }
}

#[test]
fn what_annotation_tools_import_is_written_as_documented() {
    assert_eq!(
        converted(&["--to", "doccano"]).out,
        r#"{"id":"a","text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"","label":["capture.person","shelling"],"doc":"d1","unsure":["clash"],"annotator":"7","n":1,"list":[1],"outlet":"أخبار"}
{"text":"عقد المجلس اجتماعاً","label":[],"annotator":"sara","n":2.5}
{"id":"q","text":"لم يقرأها أحد","label":null,"n":null,"accept":true}
"#
    );
    let run = converted(&["--to", "prodigy"]);
    let options = r#""options":[{"id":"capture.person","text":"capture.person"},{"id":"clash","text":"clash"},{"id":"shelling","text":"shelling"}]"#;
    let expected = r#"{"text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"",OPTIONS,"accept":["capture.person","shelling"],"answer":"accept","_annotator_id":"7","id":"a","doc":"d1","unsure":["clash"],"n":1,"list":[1],"outlet":"أخبار"}
{"text":"عقد المجلس اجتماعاً",OPTIONS,"accept":[],"answer":"accept","_annotator_id":"sara","n":2.5}
{"text":"لم يقرأها أحد",OPTIONS,"id":"q","n":null,"input.accept":true}
"#;
    assert_eq!(run.out, expected.replace("OPTIONS", options));
    assert_eq!(
        run.err,
        "marsad: \"accept\" is written as \"input.accept\": has another meaning in this format (1 row)\n"
    );
    for name in ["label-studio", "labelstudio"] {
        assert_eq!(
            converted(&["--to", name]).out,
            r#"[
{"id":"a","data":{"text":"قصفت المدفعية, أطراف\nالبلدة \"😀\"","id":"a","doc":"d1","unsure":["clash"],"n":1,"list":[1],"outlet":"أخبار"},"annotations":[{"completed_by":7,"result":[{"id":"labels","from_name":"labels","to_name":"text","type":"choices","value":{"choices":["capture.person","shelling"]}}],"was_cancelled":false}]},
{"data":{"text":"عقد المجلس اجتماعاً","n":2.5},"annotations":[{"completed_by":{"email":"sara"},"result":[],"was_cancelled":false}]},
{"id":"q","data":{"text":"لم يقرأها أحد","id":"q","n":null,"accept":true},"annotations":[]}
]
"#
        );
    }
}

#[test]
fn a_task_has_an_annotation_an_annotator() {
    let folder = Folder::new();
    let rows = [
        json!({"id": "1", "text": "قصف", "labels": ["shelling"], "annotator": "a@x.org"}),
        json!({"id": "2", "text": "غارة", "labels": ["airstrike"], "annotator": "a@x.org"}),
        json!({"id": "1", "text": "قصف", "labels": [], "annotator": "b@x.org"}),
        json!({"id": "2", "text": "غارة", "labels": ["airstrike"], "annotator": "a@x.org"}),
        json!({"id": "1", "text": "قصف", "labels": ["clash"]}),
    ];
    folder.write("in.jsonl", rows.map(|row| row.to_string()).join("\n"));
    folder
        .marsad(&["convert", "in.jsonl", "-o", "tasks.json"])
        .done();
    let tasks = std::fs::read_to_string(folder.path("tasks.json")).unwrap();
    let tasks: Vec<Value> = serde_json::from_str(&tasks).unwrap();
    let annotators = |task: &Value| -> Vec<Value> {
        let annotations = task["annotations"].as_array().unwrap();
        annotations
            .iter()
            .map(|one| one["completed_by"]["email"].clone())
            .collect()
    };
    assert_eq!(annotators(&tasks[0]), [json!("a@x.org"), json!("b@x.org")]);
    assert_eq!(annotators(&tasks[1]), [json!("a@x.org")]);
    assert_eq!(
        tasks.len(),
        4,
        "a repeat and a row by nobody are tasks of their own"
    );
    let back = folder
        .marsad(&["convert", "tasks.json", "--to", "jsonl"])
        .done();
    assert_eq!(back.json_rows().len(), 5);
}

#[test]
fn pipes_and_several_files_of_several_formats_are_joined_in_order() {
    let folder = Folder::new();
    folder.write("a.csv", "text,label,outlet\nأول,x,حرة\n");
    folder.write("b.tsv", "y\tثان\nnone\tثالث\n");
    let arguments = ["convert", "a.csv", "-", "b.tsv", "--to", "csv"];
    let piped = "{\"text\":\"من الأنبوب\",\"labels\":[\"z\"],\"n\":\"4\"}\n";
    let run = folder.marsad_with(&arguments, piped.as_bytes()).done();
    assert_eq!(
        run.out,
        "id,doc,text,labels,outlet,n\n,,أول,x,حرة,\n,,من الأنبوب,z,,4\n,,ثان,y,,\n,,ثالث,none,,\n"
    );
}

#[test]
fn compressed_output_is_read_again() {
    let folder = Folder::new();
    folder.write("in.jsonl", CORPUS);
    for name in ["out.jsonl.gz", "out.jsonl.zst", "out.csv.gz"] {
        let run = folder.marsad(&["convert", "in.jsonl", "-o", name]).done();
        assert!(
            run.err.ends_with("3 rows written, 1 without annotation\n"),
            "{}",
            run.err
        );
        let bytes = std::fs::read(folder.path(name)).unwrap();
        assert!(
            bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5]),
            "{name}"
        );
        let back = folder.marsad(&["convert", name, "--to", "jsonl"]).done();
        assert_eq!(back.json_rows().len(), 3);
    }
    let back = folder
        .marsad(&["convert", "out.jsonl.zst", "--to", "jsonl"])
        .done();
    assert_eq!(back.out, converted(&["--to", "jsonl"]).out);
}

#[test]
fn columns_of_another_scheme_are_added() {
    let folder = Folder::new();
    folder.write("in.jsonl", CORPUS);
    folder.write(
        "scheme.toml",
        "columns = [\"type\"]\n[labels.capture]\ntype = \"taking\"\n[none]\ntype = \"-\"\n",
    );
    let columns = ["--columns", "scheme.toml"];
    let run = |to: &str| {
        let arguments = ["convert", "in.jsonl", "--to", to];
        let arguments: Vec<&str> = arguments.iter().chain(&columns).copied().collect();
        folder.marsad(&arguments).done()
    };
    let rows = run("jsonl").json_rows();
    let types: Vec<&Value> = rows.iter().map(|row| &row["columns"]["type"]).collect();
    assert_eq!(types, [&json!("taking"), &json!("-"), &Value::Null]);
    let told = run("csv");
    assert!(
        told.out
            .starts_with("id,doc,text,labels,unsure,annotator,n,list,outlet,type,accept\n")
    );
    assert!(
        told.err.contains("scheme.toml: no values for shelling;"),
        "{}",
        told.err
    );
    folder.write("in.jsonl", "{\"text\":\"x\",\"labels\":[],\"type\":1}\n");
    let refused = folder.marsad(&[
        "convert",
        "in.jsonl",
        "--to",
        "csv",
        "--columns",
        "scheme.toml",
    ]);
    refused.refused(&["in.jsonl, line 1", "\"type\""]);
    folder.write(
        "scheme.toml",
        "columns = [\"doc\"]\n[labels.x]\ndoc = \"1\"\n",
    );
    let refused = folder.marsad(&[
        "convert",
        "in.jsonl",
        "--to",
        "csv",
        "--columns",
        "scheme.toml",
    ]);
    refused.refused(&["scheme.toml", "\"doc\""]);
}

#[test]
fn misuse_is_told_in_one_line_and_nothing_is_written() {
    let folder = Folder::new();
    folder.write("in.jsonl", CORPUS);
    folder.write("none.jsonl", "{\"text\":\"x\",\"labels\":[]}\n");
    folder.write(
        "broken.jsonl",
        "{\"text\":\"x\",\"labels\":[]}\n{\"text\":\n",
    );
    folder.write("empty.jsonl", "");
    folder.write("prose.txt", "ليس جدولاً");
    let names = folder.names();
    for (arguments, words) in [
        (&["in.jsonl"][..], &["--to"][..]),
        (&["in.jsonl", "-o", "out.txt"], &["out.txt", "--to"]),
        (&["in.jsonl", "-o", "out.jsonl", "--wide"], &["--wide"]),
        (&["in.jsonl", "-o", "out.jsonl", "--bom"], &["--bom"]),
        (&["in.jsonl", "-o", "out.parquet.gz"], &["out.parquet.gz"]),
        (&["in.jsonl", "-o", "no/out.csv"], &["no/out.csv"]),
        (&["in.jsonl", "-o", "in.jsonl"], &["in.jsonl", "another"]),
        (&["none.jsonl", "-o", "out.csv", "--wide"], &["--wide"]),
        (&["missing.jsonl", "-o", "out.csv"], &["missing.jsonl"]),
        (&["prose.txt", "-o", "out.csv"], &["prose.txt"]),
        (&["empty.jsonl", "-o", "out.csv"], &["empty"]),
        (&["empty.jsonl", "-o", "out.jsonl"], &["empty"]),
        (
            &["broken.jsonl", "-o", "out.csv"],
            &["broken.jsonl, line 2"],
        ),
        (
            &["broken.jsonl", "-o", "out.jsonl"],
            &["broken.jsonl, line 2"],
        ),
        (
            &["in.jsonl", "-o", "out.csv", "--columns", "no.toml"],
            &["no.toml"],
        ),
    ] {
        let arguments: Vec<&str> = ["convert"].iter().chain(arguments).copied().collect();
        folder.marsad(&arguments).refused(words);
        assert_eq!(folder.names(), names);
    }
}

#[test]
fn what_wide_tables_cannot_say_is_told() {
    let folder = Folder::new();
    let rows = [
        json!({"text": "1", "labels": ["a"], "unsure": ["a", "b"]}),
        json!({"text": "2", "labels": [], "unsure": ["a", "b"]}),
        json!({"text": "3", "unsure": ["a"]}),
    ];
    folder.write("in.jsonl", rows.map(|row| row.to_string()).join("\n"));
    let run = folder
        .marsad(&["convert", "in.jsonl", "--to", "csv", "--wide"])
        .done();
    assert_eq!(
        run.err,
        "marsad: labels: a label that holds and is unsure is written as one that holds (1 row)\n\
         marsad: labels: no label is decided, so the row is read as not annotated (1 row)\n\
         marsad: the label \"b\": decided in no row, so its column is not read as that of a label (2 rows)\n\
         marsad: unsure: a row without annotation has no label that is unsure (1 row)\n"
    );
}

#[test]
fn exports_of_annotation_tools_are_converted_whole() {
    let exports = support::repository("tests/exports");
    let folder = Folder::new();
    let mut converted = 0;
    for entry in std::fs::read_dir(exports).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap();
        let direct = folder
            .marsad(&["convert", name, "--to", "jsonl"])
            .done()
            .json_rows();
        folder
            .marsad(&["convert", name, "-o", "out.parquet"])
            .done();
        let back = folder
            .marsad(&["convert", "out.parquet", "--to", "jsonl"])
            .done()
            .json_rows();
        assert_eq!(direct.len(), back.len(), "{name}");
        for (direct, back) in direct.iter().zip(&back) {
            for field in ["id", "doc", "text", "labels", "unsure", "annotator"] {
                assert_eq!(direct[field], back[field], "{name}");
            }
        }
        converted += 1;
    }
    assert!(converted >= 10, "{converted}");
    let path = support::repository("tests/exports/label-studio.json");
    let run = folder
        .marsad(&["convert", path.to_str().unwrap(), "-o", "out.csv"])
        .done();
    assert!(run.err.contains("skipped by the annotator)"), "{}", run.err);
    let path = support::repository("tests/exports/prodigy-binary.jsonl");
    let run = folder
        .marsad(&["convert", path.to_str().unwrap(), "-o", "out.csv"])
        .done();
    assert!(
        run.err.contains("answers to one label at a time joined"),
        "{}",
        run.err
    );
}
