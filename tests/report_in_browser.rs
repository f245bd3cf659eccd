//! The report in a real browser. Needs Chromium:
//! `cargo test --test report_in_browser -- --ignored`.

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use browser::Browser;
use serde_json::{Value, json};
use support::Folder;

/// A report with more wrong sentences than one page of the browser holds, hostile ones among them.
static REPORT: LazyLock<(Folder, PathBuf)> = LazyLock::new(|| {
    let folder = Folder::new();
    let mut rows = String::new();
    for index in 0..140 {
        let place = ["حلب", "إدلب", "تعز", "سرت", "كركوك"][index % 5];
        let long = "س".repeat(150);
        let outlet = ["وكالة أولى", "wire<b>", &long][index % 3];
        // Every third is annotated as it should be, the others are misses or false alarms.
        let (text, labels): (String, &[&str]) = match index % 6 {
            0 => (
                format!("شنت طائرات حربية غارات على {place} رقم {index}"),
                &["airstrike"],
            ),
            1 => (
                format!("شنت طائرات حربية غارات على {place} رقم {index}"),
                &[],
            ),
            2 => (format!("زار الوزير سوق {place} رقم {index}"), &["clash"]),
            3 => (format!("زار الوزير سوق {place} رقم {index}"), &[]),
            4 => (
                format!("قصفت المدفعية أطراف {place} رقم {index} {long}"),
                &["execution"],
            ),
            _ => (
                format!("غارات\u{202E} </script><img src=x onerror=alert(1)> {place} {index}"),
                &["capture.person"],
            ),
        };
        let row = json!({"id": format!("r{index}"), "doc": format!("d{}", index / 2), "outlet": outlet, "text": text, "labels": labels});
        rows += &format!("{row}\n");
    }
    folder.write("rows.jsonl", rows);
    folder
        .marsad(&[
            "report",
            "rows.jsonl",
            "--by",
            "outlet",
            "--bootstrap",
            "50",
            "-o",
            "report.html",
        ])
        .done();
    let path = folder.path("report.html");
    (folder, path)
});

fn opened() -> Browser {
    let mut browser = Browser::start();
    browser.open(&REPORT.1);
    browser
}

/// How many sentences the page itself says it has, for a label's number and kind, `f` or `m`.
fn wrong(browser: &mut Browser, label: &str, kind: &str) -> u64 {
    let expression = format!(
        "[...document.querySelectorAll('.row')].filter(row => row.dataset.e.split(' ').some(sign =>
            ('{label}' === '' || sign.slice(0, -1) === '{label}') && ('{kind}' === '' || sign.endsWith('{kind}')))).length"
    );
    browser.evaluate(&expression).as_u64().unwrap()
}

/// Sets a filter as a user does.
fn choose(browser: &mut Browser, filter: &str, value: &str) {
    let expression = format!(
        "(() => {{ const field = document.getElementById('{filter}'); field.value = {};
            field.dispatchEvent(new Event('change')); field.dispatchEvent(new Event('input')); }})()",
        json!(value)
    );
    browser.evaluate(&expression);
}

fn count(browser: &mut Browser) -> String {
    let text = browser.evaluate("document.getElementById('count').textContent");
    text.as_str().unwrap().to_owned()
}

/// Waits until the count begins with a number.
fn wait_for_count(browser: &mut Browser, number: u64) {
    browser.wait_for(&format!(
        "document.getElementById('count').textContent.startsWith('{number} of ')"
    ));
}

const VISIBLE: &str =
    "[...document.querySelectorAll('.row')].filter(row => row.getClientRects().length > 0)";

#[test]
#[ignore = "needs Chromium"]
fn nothing_is_fetched_and_nothing_is_complained_of() {
    let mut browser = opened();
    browser.evaluate("new Promise(done => setTimeout(done, 300))");
    let requests = browser.events_named("Network.requestWillBeSent");
    let urls: Vec<&Value> = requests
        .iter()
        .map(|event| &event["request"]["url"])
        .collect();
    assert_eq!(urls, [&json!(format!("file://{}", REPORT.1.display()))]);
    assert_eq!(
        browser.events_named("Runtime.exceptionThrown"),
        Vec::<Value>::new()
    );
    assert_eq!(
        browser.events_named("Runtime.consoleAPICalled"),
        Vec::<Value>::new()
    );
    assert_eq!(browser.events_named("Log.entryAdded"), Vec::<Value>::new());
    // Hostile text is text.
    assert_eq!(
        browser.evaluate("document.images.length + document.querySelectorAll('script').length"),
        1
    );
}

#[test]
#[ignore = "needs Chromium"]
fn nothing_overflows_on_telephones_and_desks() {
    /// Elements that stand out of the window and of every frame that scrolls.
    const OUTSIDE: &str = "[...document.body.querySelectorAll('*')].filter(one => {
        if (one.closest('.scroll') && !one.matches('.scroll')) return false;
        return [...one.getClientRects()].some(box => box.width > 0 && (box.right > innerWidth + 1 || box.left < -1));
    }).map(one => one.outerHTML.slice(0, 200))";
    // Labels of any length, measured out of fold, some wrong.
    let folder = Folder::new();
    let long = format!("{}.{}", "حدث".repeat(30), "x".repeat(60));
    let rows = support::small_corpus().replace("fire.gun", &long);
    let rows = rows
        .lines()
        .enumerate()
        .map(|(index, row)| match index % 7 {
            0 => row.replace("\"air\"", &format!("\"{long}\"")) + "\n",
            _ => row.to_owned() + "\n",
        });
    folder.write("rows.jsonl", rows.collect::<String>());
    folder
        .marsad(&["report", "rows.jsonl", "--folds", "2"])
        .done();
    let mut browser = Browser::start();
    for page in [&REPORT.1, &folder.path("report.html")] {
        browser.open(page);
        for (width, height) in [(390, 844), (1280, 900)] {
            browser.resize(width, height);
            browser.wait_for(&format!("innerWidth === {width}"));
            let wide = browser.evaluate("document.scrollingElement.scrollWidth - innerWidth");
            assert!(
                wide.as_i64().unwrap() <= 0,
                "{wide} pixels too wide at {width}"
            );
            assert_eq!(browser.evaluate(OUTSIDE), json!([]), "at {width}");
        }
    }
}

#[test]
#[ignore = "needs Chromium"]
fn filters_choose_rows_and_tell_how_many() {
    let mut browser = opened();
    let all = wrong(&mut browser, "", "");
    assert!(all > 50, "{all}");
    assert_eq!(
        count(&mut browser),
        format!("{all} of {all} sentences; shown are 1 to 50")
    );
    assert_eq!(browser.evaluate(&format!("{VISIBLE}.length")), 50);

    let airstrike = browser.evaluate(
        "[...document.getElementById('by-label').options].find(option => option.text.startsWith('airstrike')).value",
    );
    let airstrike = airstrike.as_str().unwrap().to_owned();
    choose(&mut browser, "by-label", &airstrike);
    let of_label = wrong(&mut browser, &airstrike, "");
    wait_for_count(&mut browser, of_label);
    assert!(0 < of_label && of_label < all);
    let holds = format!(
        "{VISIBLE}.every(row => row.textContent.includes('airstrike') && row.dataset.e.split(' ').some(sign => sign.slice(0, -1) === '{airstrike}'))"
    );
    assert_eq!(browser.evaluate(&holds), true);

    choose(&mut browser, "by-kind", "m");
    let misses = wrong(&mut browser, &airstrike, "m");
    wait_for_count(&mut browser, misses);
    choose(&mut browser, "by-label", "");
    let misses = wrong(&mut browser, "", "m");
    wait_for_count(&mut browser, misses);
    assert_eq!(
        browser.evaluate(&format!(
            "{VISIBLE}.every(row => row.querySelector('.kind.miss'))"
        )),
        true
    );

    browser.evaluate("document.querySelector('#filters [type=reset]').click()");
    wait_for_count(&mut browser, all);
    // Words are found however they are spelt, ids too.
    choose(&mut browser, "by-text", "الوزِير ادلب");
    browser.wait_for(&format!("{VISIBLE}.length > 0 && {VISIBLE}.every(row => row.textContent.includes('إدلب') && row.textContent.includes('الوزير'))"));
    choose(&mut browser, "by-text", "no such words");
    wait_for_count(&mut browser, 0);
    assert_eq!(browser.evaluate(&format!("{VISIBLE}.length")), 0);
    choose(&mut browser, "by-text", "");
    wait_for_count(&mut browser, all);

    choose(&mut browser, "by-source", "1");
    let of_source = browser.evaluate(
        "[...document.querySelectorAll('.row')].filter(row => row.dataset.s === '1').length",
    );
    wait_for_count(&mut browser, of_source.as_u64().unwrap());
}

#[test]
#[ignore = "needs Chromium"]
fn pages_turn_by_the_keyboard() {
    let mut browser = opened();
    assert_eq!(
        browser.evaluate("document.getElementById('previous').disabled"),
        true
    );
    browser.evaluate("document.getElementById('next').focus()");
    for kind in ["rawKeyDown", "char", "keyUp"] {
        let key = json!({"type": kind, "key": "Enter", "text": "\r", "windowsVirtualKeyCode": 13});
        browser.call("Input.dispatchKeyEvent", key);
    }
    browser.wait_for("document.getElementById('page').textContent.startsWith('Page 2 of ')");
    assert!(count(&mut browser).contains("shown are 51 to "));
    // Every control has a name and can be reached.
    let nameless = "[...document.querySelectorAll('select, input')].filter(one => one.labels.length === 0 || one.tabIndex < 0).length";
    assert_eq!(browser.evaluate(nameless), 0);
}

#[test]
#[ignore = "needs Chromium"]
fn the_page_is_whole_without_scripts() {
    let mut browser = Browser::start();
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    browser.open(&REPORT.1);
    let rows = browser.evaluate("document.querySelectorAll('.row').length");
    assert!(rows.as_u64().unwrap() > 50);
    assert_eq!(browser.evaluate(&format!("{VISIBLE}.length")), rows);
    assert_eq!(
        browser.evaluate("getComputedStyle(document.getElementById('filters')).display"),
        "none"
    );
    assert_eq!(browser.evaluate("document.querySelectorAll('main h2').length > 8 && document.querySelectorAll('svg').length > 10"), true);
}

#[test]
#[ignore = "needs Chromium"]
fn light_and_dark_can_be_read() {
    /// Texts whose colour is too near to that behind them (WCAG 2.2, 1.4.3): 4.5 to 1.
    const PALE: &str = "(() => {
        const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
        const rgba = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data]; };
        const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
        const behind = one => { const layers = [];
            for (let at = one; at; at = at.parentElement) layers.unshift(rgba(getComputedStyle(at).backgroundColor));
            return layers.reduce((under, over) => under.map((c, i) => c + (over[i] - c) * over[3] / 255), [255, 255, 255]); };
        const pale = [];
        for (const one of document.querySelectorAll('body *')) {
            const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
            if (!own || one.closest('script, style, noscript, :disabled') || one.getClientRects().length === 0) continue;
            const style = getComputedStyle(one), back = light(behind(one));
            const text = light(rgba(one.closest('svg') ? style.fill : style.color));
            const ratio = (Math.max(text, back) + .05) / (Math.min(text, back) + .05);
            if (ratio < 4.5) pale.push(ratio.toFixed(2) + ' ' + one.outerHTML.slice(0, 120));
        }
        return pale.slice(0, 10);
    })()";
    let mut browser = opened();
    let mut backs = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        backs.push(browser.evaluate("getComputedStyle(document.documentElement).backgroundColor"));
        assert_eq!(browser.evaluate(PALE), json!([]), "{scheme}");
    }
    assert_ne!(backs[0], backs[1]);
}

#[test]
#[ignore = "needs Chromium"]
fn headings_are_in_order_and_plots_say_what_they_show() {
    let mut browser = opened();
    let headings = browser
        .evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map(one => +one.tagName[1])");
    let headings: Vec<u64> = headings
        .as_array()
        .unwrap()
        .iter()
        .map(|h| h.as_u64().unwrap())
        .collect();
    assert_eq!(headings[0], 1);
    assert!(
        headings
            .windows(2)
            .all(|pair| pair[1] <= pair[0] + 1 && pair[1] > 1),
        "{headings:?}"
    );
    let silent = "[...document.querySelectorAll('svg')].filter(one => !one.closest('[role=img][aria-label]')).length
        + [...document.querySelectorAll('table')].filter(one => !one.caption || [...one.querySelectorAll('th')].some(th => !th.scope)).length";
    assert_eq!(browser.evaluate(silent), 0);
    // Arabic runs from the right.
    assert_eq!(
        browser.evaluate("getComputedStyle(document.querySelector('.row .text')).direction"),
        "rtl"
    );
    assert!(!browser.print().is_empty());
}

/// Pictures to look at, of the page named by the environment's REPORT, else of this test's own, in
/// the folder for temporary files of this build.
#[test]
#[ignore = "needs Chromium"]
fn pictures_to_look_at() {
    let page = std::env::var("REPORT").map_or_else(|_| REPORT.1.clone(), PathBuf::from);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-pictures");
    std::fs::create_dir_all(&folder).unwrap();
    let mut browser = Browser::start();
    for (width, scheme) in [
        (1280, "light"),
        (1280, "dark"),
        (390, "light"),
        (390, "dark"),
    ] {
        browser.resize(width, 900);
        browser.prefer(scheme);
        browser.open(&page);
        let height = browser
            .evaluate("document.scrollingElement.scrollHeight")
            .as_f64()
            .unwrap();
        let step = if width > 1000 { 1500.0 } else { 1100.0 };
        let parts = ((height / step).ceil() as usize).min(12);
        for part in 0..parts {
            let picture = browser.picture(part as f64 * step, f64::from(width), step);
            let name = format!("{width}-{scheme}-{part:02}.png");
            std::fs::write(folder.join(name), picture).unwrap();
        }
    }
    // As it is printed, at the width of a sheet.
    browser.prefer("light");
    browser.resize(690, 1000);
    browser.open(&page);
    browser.call("Emulation.setEmulatedMedia", json!({"media": "print"}));
    for part in 0..6 {
        let picture = browser.picture(f64::from(part) * 1000.0, 690.0, 1000.0);
        std::fs::write(folder.join(format!("print-{part:02}.png")), picture).unwrap();
    }
    browser.call("Emulation.setEmulatedMedia", json!({"media": ""}));
    browser.call("Emulation.clearDeviceMetricsOverride", json!({}));
    std::fs::write(folder.join("print.pdf"), browser.print()).unwrap();
}
