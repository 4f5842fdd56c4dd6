//! What the repository says about itself: the committed reference is the one that the table makes, and what the README
//! shows is what happens.

use std::path::Path;
use std::process::Command;

use linebook::api::methods::METHODS;
use linebook::api::reference;
use linebook::api::xml::DECLARATION;

use crate::common::{Request, World};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_reference_is_what_the_table_makes() {
    let advice = "run `cargo run -- docs > docs/api.md`";
    assert!(
        file("docs/api.md").trim_end() == reference::markdown().trim_end(),
        "{advice}"
    );
}

#[test]
fn the_openapi_file_is_what_the_table_makes() {
    let made: serde_json::Value = serde_json::from_str(&file("docs/openapi.json")).unwrap();
    let advice = "run `cargo run -- openapi > docs/openapi.json`";
    assert!(made == reference::openapi(), "{advice}");
}

/// The block of the README that starts with this line.
fn readme_block(start: &str) -> String {
    let readme = file("README.md");
    let (_, rest) = readme
        .split_once(&format!("\n{start}"))
        .unwrap_or_else(|| panic!("no `{start}`"));
    format!("{start}{}", rest.split_once("\n```").unwrap().0)
}

#[test]
fn the_readme_shows_the_answer_that_comes_back() {
    let curl = readme_block("curl ");
    let target = curl
        .split("http://127.0.0.1:8080")
        .nth(1)
        .unwrap()
        .trim_end_matches('\'');
    let answer = World::new().send(&Request::new("POST", target)).text();
    let shown = readme_block(DECLARATION);
    // The password is random.
    let without_password = |xml: &str| xml.split("<password>").next().unwrap().to_owned();
    assert_eq!(without_password(&answer), without_password(&shown));
}

#[test]
fn the_readme_shows_what_is_found_out_about_a_hash() {
    let shown = readme_block("$ linebook hash ");
    let (command, expected) = shown.split_once('\n').unwrap();
    let words = command.trim_start_matches("$ linebook ").split(' ');
    let output = Command::new(env!("CARGO_BIN_EXE_linebook"))
        .args(words)
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap().trim_end(),
        expected
    );
}

#[test]
fn the_readme_names_every_method() {
    let readme = file("README.md");
    for method in METHODS {
        let name = format!("| `{}`", method.name);
        assert!(
            readme.contains(&name),
            "README.md: a row for {}",
            method.name
        );
    }
}

/// The second block of shell lines under "Running it", against a new database.
#[test]
fn the_readme_s_first_steps_work() {
    let folder = tempfile::tempdir().unwrap();
    let block = readme_block("export LINEBOOK_DATA=");
    let lines = block.lines().skip(1);
    let data = folder.path().join("data");
    for line in ["linebook init"].into_iter().chain(lines) {
        let output = Command::new("sh")
            .args(["-c", &line.replacen("linebook", "\"$LINEBOOK\"", 1)])
            .env("LINEBOOK", env!("CARGO_BIN_EXE_linebook"))
            .env("LINEBOOK_DATA", &data)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
