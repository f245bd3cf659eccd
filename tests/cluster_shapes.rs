//! Statements of many shapes: what a cluster answers is what one machine answers.
#![cfg(feature = "cluster")]

#[path = "support/cluster.rs"]
mod cluster;
mod support;

use cluster::{Cluster, begin_marsad, finish};
use support::Folder;

/// How the rows of a statement are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// Byte for byte.
    InOrder,
    /// As a set, in which a row may be there several times.
    InAnyOrder,
}
use Rows::{InAnyOrder, InOrder};

/// Statements over `t`, eight files of sentences, and `p`, three files of places of which one is in no
/// sentence, and of which two sentences' are missing.
const SHAPES: &[(&str, Rows, &str)] = &[
    (
        "scan",
        InOrder,
        "SELECT id, text, event_labels(text) AS labels FROM t WHERE n % 3 = 1",
    ),
    (
        "constant",
        InOrder,
        "SELECT id, event_labels('شنت طائرات حربية غارات على حلب') AS labels, marsad_model() AS m FROM t WHERE n < 9",
    ),
    (
        "no table",
        InOrder,
        "SELECT event_labels('قصف مدفعي على البلدة') AS labels, 1 AS one",
    ),
    (
        "no function",
        InOrder,
        "SELECT n, place FROM t WHERE n % 7 = 0",
    ),
    (
        "unnest",
        InOrder,
        "SELECT id, unnest(event_labels(text)) AS label FROM t",
    ),
    (
        "limit",
        InOrder,
        "SELECT id, place FROM t LIMIT 50 OFFSET 70",
    ),
    (
        "sorted",
        InOrder,
        "SELECT id, n, event_scores(text) AS s FROM t ORDER BY n % 10, id DESC",
    ),
    (
        "top",
        InOrder,
        "SELECT n, place FROM t ORDER BY n DESC LIMIT 7 OFFSET 3",
    ),
    (
        "count",
        InOrder,
        "SELECT count(*) AS rows, count(place) AS places, sum(n) AS sum, min(id) AS first FROM t",
    ),
    (
        "groups",
        InOrder,
        "SELECT place, count(*) AS c, sum(n) AS s FROM t GROUP BY place ORDER BY place NULLS FIRST",
    ),
    (
        "groups of labels",
        InAnyOrder,
        "SELECT label, count(*) AS c FROM (SELECT unnest(event_labels(text)) AS label FROM t) GROUP BY label",
    ),
    (
        "having",
        InAnyOrder,
        "SELECT place, count(*) AS c FROM t GROUP BY place HAVING count(*) > (SELECT avg(n) / 10 FROM t)",
    ),
    (
        "distinct",
        InAnyOrder,
        "SELECT DISTINCT place, n % 4 AS k FROM t",
    ),
    (
        "count distinct",
        InOrder,
        "SELECT count(DISTINCT place) AS p, count(DISTINCT n % 13) AS k FROM t",
    ),
    (
        "grouping sets",
        InAnyOrder,
        "SELECT place, n % 3 AS k, count(*) AS c FROM t GROUP BY ROLLUP (place, k)",
    ),
    (
        "union all",
        InAnyOrder,
        "SELECT n, place FROM t WHERE n < 40 UNION ALL SELECT n, 'x' FROM t WHERE n > 150",
    ),
    (
        "union all of groups",
        InAnyOrder,
        "SELECT 'a' AS k, count(*) AS c FROM t UNION ALL SELECT place, count(*) FROM t GROUP BY place UNION ALL SELECT 'one', 1",
    ),
    (
        "union",
        InAnyOrder,
        "SELECT place FROM t UNION SELECT place FROM p",
    ),
    (
        "except",
        InAnyOrder,
        "SELECT place FROM p EXCEPT SELECT place FROM t",
    ),
    (
        "intersect",
        InAnyOrder,
        "SELECT place FROM p INTERSECT SELECT place FROM t",
    ),
    (
        "join",
        InAnyOrder,
        "SELECT t.n, p.region FROM t JOIN p ON t.place = p.place",
    ),
    (
        "left join",
        InAnyOrder,
        "SELECT t.n, p.region FROM t LEFT JOIN p ON t.place = p.place",
    ),
    (
        "right join",
        InAnyOrder,
        "SELECT t.n, p.place FROM t RIGHT JOIN p ON t.place = p.place AND t.n < 30",
    ),
    (
        "full join",
        InAnyOrder,
        "SELECT t.n, p.region FROM t FULL JOIN p ON t.place = p.place AND t.n < 30",
    ),
    (
        "join of groups",
        InOrder,
        "SELECT p.region, sum(g.c) AS c FROM (SELECT place, count(*) AS c FROM t GROUP BY place) g JOIN p ON g.place = p.place GROUP BY p.region ORDER BY p.region",
    ),
    (
        "cross join",
        InAnyOrder,
        "SELECT t.n, p.place FROM t CROSS JOIN p WHERE t.n < 20",
    ),
    (
        "join by inequality",
        InAnyOrder,
        "SELECT t.n, p.place FROM t JOIN p ON t.n < CAST(p.size AS BIGINT) AND t.n > 2",
    ),
    (
        "left join by inequality",
        InAnyOrder,
        "SELECT p.place, t.n FROM p LEFT JOIN t ON t.n < CAST(p.size AS BIGINT)",
    ),
    (
        "left join of many by inequality",
        InAnyOrder,
        "SELECT t.n, p.place FROM t LEFT JOIN p ON t.n < CAST(p.size AS BIGINT)",
    ),
    (
        "full join by inequality",
        InAnyOrder,
        "SELECT t.n, p.place FROM t FULL JOIN p ON t.n < CAST(p.size AS BIGINT) - 5",
    ),
    (
        "in",
        InAnyOrder,
        "SELECT n FROM t WHERE place IN (SELECT place FROM p WHERE CAST(size AS INT) > 3)",
    ),
    (
        "not in",
        InAnyOrder,
        "SELECT n FROM t WHERE place NOT IN (SELECT place FROM p WHERE CAST(size AS INT) > 3)",
    ),
    (
        "not in with null",
        InAnyOrder,
        "SELECT place FROM p WHERE place NOT IN (SELECT place FROM t WHERE n < 50)",
    ),
    (
        "exists",
        InAnyOrder,
        "SELECT place FROM p WHERE EXISTS (SELECT 1 FROM t WHERE t.place = p.place AND t.n > 100)",
    ),
    (
        "not exists",
        InAnyOrder,
        "SELECT place FROM p WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.n < CAST(p.size AS BIGINT))",
    ),
    (
        "exists by inequality",
        InAnyOrder,
        "SELECT place FROM p WHERE EXISTS (SELECT 1 FROM t WHERE t.n > CAST(p.size AS BIGINT) * 30)",
    ),
    (
        "scalar subquery",
        InOrder,
        "SELECT n, (SELECT max(n) FROM t) AS most FROM t WHERE n > (SELECT avg(n) FROM t) ORDER BY n",
    ),
    (
        "window",
        InOrder,
        "SELECT n, place, row_number() OVER (PARTITION BY place ORDER BY n) AS r, sum(n) OVER (ORDER BY n) AS s FROM t ORDER BY n",
    ),
    (
        "limit in a subquery",
        InOrder,
        "SELECT n, event_labels(text) AS labels FROM (SELECT n, text FROM t LIMIT 25 OFFSET 30)",
    ),
    (
        "count of a limit",
        InOrder,
        "SELECT sum(n) AS s, count(*) AS c FROM (SELECT n FROM t LIMIT 33)",
    ),
    (
        "groups of a limit",
        InOrder,
        "SELECT place, count(*) AS c, sum(n) AS s FROM (SELECT n, place FROM t WHERE n % 2 = 0 LIMIT 41) GROUP BY place ORDER BY place",
    ),
    (
        "top in a subquery",
        InOrder,
        "SELECT sum(n) AS s FROM (SELECT n FROM t ORDER BY n DESC LIMIT 12)",
    ),
    (
        "join with a limit",
        InAnyOrder,
        "SELECT l.n, p.region FROM (SELECT n, place FROM t LIMIT 60) l JOIN p ON l.place = p.place",
    ),
    (
        "union of limits",
        InAnyOrder,
        "(SELECT n FROM t LIMIT 9) UNION ALL (SELECT n FROM t LIMIT 4 OFFSET 100)",
    ),
    (
        "values",
        InAnyOrder,
        "SELECT v.column1, t.n FROM (VALUES ('حلب'), ('تعز')) v JOIN t ON t.place = v.column1 WHERE t.n < 50",
    ),
    (
        "first and last",
        InOrder,
        "SELECT array_agg(n ORDER BY n DESC) AS a FROM t WHERE n < 20",
    ),
    (
        "nothing",
        InOrder,
        "SELECT id, event_labels(text) AS l FROM t WHERE n < 0",
    ),
];

const FILES: usize = 8;
const ROWS_A_FILE: usize = 25;

fn prepared() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("t")).unwrap();
    let places = ["\"حلب\"", "\"إدلب\"", "\"تعز\"", "\"x\"", "null"];
    for file in 0..FILES {
        let mut rows = String::new();
        for n in file * ROWS_A_FILE..(file + 1) * ROWS_A_FILE {
            let place = places[n * 7 % 5];
            let text = match n % 3 {
                0 => format!("شنت طائرات حربية غارات على حلب وقتل {} أشخاص", n % 9 + 3),
                1 => format!("اندلعت اشتباكات عنيفة بين الجيش ومسلحين رقم {n}"),
                _ => format!("زار الوزير السوق صباح اليوم رقم {n}"),
            };
            rows +=
                &format!("{{\"id\":\"r{n}\",\"n\":{n},\"place\":{place},\"text\":\"{text}\"}}\n");
        }
        folder.write(&format!("t/{file}.jsonl"), rows);
    }
    std::fs::create_dir(folder.path("p")).unwrap();
    for (file, rows) in [
        "حلب,north,9\nإدلب,north,4\n",
        "تعز,south,3\nعدن,south,7\n",
        "مأرب,east,0\n",
    ]
    .iter()
    .enumerate()
    {
        folder.write(
            &format!("p/{file}.csv"),
            format!("place,region,size\n{rows}"),
        );
    }
    folder
}

fn answer(
    folder: &Folder,
    statement: &str,
    rows: Rows,
    more: &[&str],
) -> Result<Vec<String>, String> {
    let tables = ["--table", "t=t/", "--table", "p=p/", "--to", "jsonl"];
    let arguments = [&["sql", statement], tables.as_slice(), more].concat();
    let output = finish(begin_marsad(&folder.path(""), &arguments));
    if output.status.code() != Some(0) {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut lines: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    if rows == InAnyOrder {
        lines.sort();
    }
    Ok(lines)
}

/// The beginning of an answer.
fn shown(answer: &Result<Vec<String>, String>) -> String {
    match answer {
        Ok(lines) => {
            let first: Vec<_> = lines.iter().take(3).collect();
            format!("{} rows, such as {first:?}", lines.len())
        }
        Err(told) => told.clone(),
    }
}

#[test]
fn statements_of_all_shapes_have_the_rows_of_one_machine() {
    let (cluster, folder) = (Cluster::start(2), prepared());
    let mut wrong = Vec::new();
    for &(name, rows, statement) in SHAPES {
        let here = answer(&folder, statement, rows, &[]);
        let there = answer(&folder, statement, rows, &["--cluster", cluster.address()]);
        if here.is_err() || here != there {
            wrong.push(format!(
                "{name}:\n   here  {}\n   there {}",
                shown(&here),
                shown(&there)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn recursion_is_refused_in_one_line() {
    let (cluster, folder) = (Cluster::start(1), prepared());
    let statement = "WITH RECURSIVE r AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM r WHERE k < 4) SELECT k FROM r";
    let there = answer(
        &folder,
        statement,
        InOrder,
        &["--cluster", cluster.address()],
    );
    let told = there.unwrap_err();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("without --cluster"), "{told}");
}

#[test]
fn folders_hold_the_rows_of_plans_that_are_arranged() {
    let (cluster, folder) = (Cluster::start(2), prepared());
    for (name, statement) in [
        (
            "joined",
            "SELECT p.place, t.n FROM p LEFT JOIN t ON t.n < CAST(p.size AS BIGINT)",
        ),
        (
            "not in",
            "SELECT n FROM t WHERE place NOT IN (SELECT place FROM p WHERE CAST(size AS INT) > 3)",
        ),
        (
            "constants",
            "SELECT place, n FROM t UNION ALL SELECT 'x', 1",
        ),
        (
            "limited",
            "SELECT n, event_labels(text) AS labels FROM (SELECT * FROM t LIMIT 70)",
        ),
    ] {
        let mut found = Vec::new();
        for (place, more) in [
            ("here", &[][..]),
            ("there", &["--cluster", cluster.address()]),
        ] {
            let out = format!("{name} {place}/");
            answer(
                &folder,
                statement,
                InOrder,
                &[&["--files", "4", "-o", &out], more].concat(),
            )
            .unwrap();
            let files = std::fs::read_dir(folder.path(&out))
                .unwrap()
                .map(|file| file.unwrap().path());
            let files =
                files.filter(|file| file.extension().is_some_and(|ending| ending == "jsonl"));
            let texts: Vec<String> = files
                .map(|file| std::fs::read_to_string(file).unwrap())
                .collect();
            let mut rows: Vec<String> = texts
                .iter()
                .flat_map(|text| text.lines())
                .map(str::to_owned)
                .collect();
            rows.sort();
            found.push(rows);
        }
        assert!(!found[0].is_empty(), "{name}");
        assert_eq!(found[0], found[1], "{name}");
    }
}
