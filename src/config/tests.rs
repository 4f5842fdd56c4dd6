//! Tests of the settings: flags, variables and files together.

use super::*;
use clap::FromArgMatches;

/// The settings from a file and flags; an error is one line.
fn parse(file: &str, flags: &[&str]) -> Result<Serve, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("linebook.toml");
    std::fs::write(&path, file).expect("a file");
    let mut line: Vec<OsString> = vec!["linebook".into(), "serve".into(), "--config".into()];
    line.push(path.clone().into());
    line.extend(flags.iter().map(OsString::from));
    let serve = Serve::augment_args(Command::new("serve"));
    let matches = matches(Command::new("linebook").subcommand(serve), line);
    match matches {
        Ok(found) => {
            let found = found.subcommand_matches("serve").expect("the verb");
            Ok(Serve::from_arg_matches(found).expect("the settings"))
        }
        Err(ConfigError::File(text)) => Err(text.replace(&format!("{}: ", path.display()), "")),
        Err(ConfigError::Usage(error)) => Err(format!("usage: {}", error.kind())),
    }
}

#[test]
fn every_thread_that_reads_has_a_reader() {
    let readers = |workers| {
        let serve = parse("", &["--data", "/srv/a", "--workers", workers]);
        serve.expect("settings").server.store_options().readers
    };
    assert_eq!(readers("1"), store::Options::default().readers);
    assert_eq!(readers("8"), 8 * 5 + 3 + 1);
    assert_eq!(readers("1024"), MAX_READERS);
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let file = "data = \"/srv/a\"\nreaders = 7\nmax_batch = \"9\"\nlog_format = \"json\"\n";
    let serve = parse(file, &["--readers", "8"]).expect("settings");
    assert_eq!(serve.at.data, Path::new("/srv/a"));
    assert_eq!(serve.server.readers, Some(8));
    assert_eq!(serve.server.store_options().readers, 8);
    assert_eq!(serve.server.max_batch, 9);
    assert_eq!(serve.server.log_format, LogFormat::Json);
    assert_eq!(serve.server.on.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(serve.server.shutdown_timeout_s, 30);
    assert!(serve.server.worker_count() >= 1);
}

#[test]
fn backups_are_made_only_when_asked_for() {
    let plan = |file: &str| {
        let serve = parse(file, &["--data", "/srv/a"]).expect("settings");
        serve.backups.plan(&serve.at.data)
    };
    assert!(plan("").is_none());
    let every_day = plan("backup_every = \"24h\"").expect("a plan");
    assert_eq!(every_day.every, Duration::from_secs(24 * 60 * 60));
    assert_eq!(every_day.keep, 7);
    assert_eq!(every_day.folder, Path::new("/srv/a/backups"));
    let elsewhere = plan("backup_every = \"1m\"\nbackup_keep = 2\nbackup_dir = \"/mnt/b\"");
    let elsewhere = elsewhere.expect("a plan");
    assert_eq!(elsewhere.folder, Path::new("/mnt/b"));
    assert_eq!(elsewhere.keep, 2);
}

#[test]
fn trusted_proxies_are_a_list_of_bounded_length() {
    let file = "data = \"x\"\ntrusted_proxy = \"10.0.0.0/8, 192.0.2.1,2001:db8::/32\"\n";
    let networks = parse(file, &[]).expect("settings").server.trusted_proxy;
    let texts: Vec<String> = networks.0.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]);
    assert_eq!("".parse(), Ok(Networks::default()));
    let many = |count| "10.0.0.1,".repeat(count).parse::<Networks>();
    assert!(many(MAX_NETWORKS).is_ok());
    assert!(many(MAX_NETWORKS + 1).is_err());
}

#[test]
fn certificate_and_key_go_together() {
    let files = |flags: &[&str]| {
        parse("data = \"x\"\n", flags)
            .expect("settings")
            .server
            .tls_files()
    };
    assert_eq!(files(&[]), Ok(None));
    let both = files(&["--tls-cert", "a", "--tls-key", "b"]);
    assert_eq!(both, Ok(Some(("a".into(), "b".into()))));
    assert!(files(&["--tls-cert", "a"]).is_err_and(|text| text.contains("--tls-key")));
    assert!(files(&["--tls-key", "a"]).is_err_and(|text| text.contains("--tls-cert")));
}

#[test]
fn metrics_are_public_only_when_asked_for() {
    let is_public = |file: &str, flags: &[&str]| {
        let file = format!("data = \"x\"\n{file}");
        parse(&file, flags).expect("settings").server.metrics_public
    };
    assert!(!is_public("", &[]));
    assert!(is_public("", &["--metrics-public"]));
    assert!(is_public("metrics_public = true", &[]));
    assert!(!is_public(
        "metrics_public = true",
        &["--metrics-public=false"]
    ));
}

#[test]
fn a_bad_key_or_value_is_named_on_one_line() {
    let check = |file: &str, starts: &str| {
        let error = parse(file, &["--data", "x"]).expect_err(file);
        assert!(error.starts_with(starts), "{file:?}: {error}");
        assert!(!error.contains('\n'), "{error}");
    };
    check(
        "lisen = \"x\"",
        "`lisen` is not a setting: there are data, listen,",
    );
    check("config = \"x\"", "`config` is not a setting");
    check(
        "readers = 0",
        "`readers`: invalid value '0' for '--readers <N>'",
    );
    check("readers = 257", "`readers`: invalid value '257'");
    check("listen = \"8080\"", "`listen`: invalid value '8080'");
    check("log_format = \"xml\"", "`log_format`: invalid value 'xml'");
    check(
        "max_connections = 15",
        "`max_connections`: invalid value '15'",
    );
    check(
        "max_connections_per_address = 0",
        "`max_connections_per_address`: invalid value '0'",
    );
    check(
        "trusted_proxy = \"10.0.0.0/8,proxy\"",
        "`trusted_proxy`: invalid value '10.0.0.0/8,proxy' for '--trusted-proxy <CIDR,...>': `proxy` is neither",
    );
    check("log = \"linebook=loud\"", "`log`: invalid value");
    check(
        "listen = [\"a\"]",
        "`listen` takes one text or whole number",
    );
    check(
        "backup_every = \"59s\"",
        "`backup_every`: invalid value '59s' for '--backup-every <TIME>': from 1m to 365d",
    );
    check("backup_every = \"often\"", "`backup_every`: invalid value");
    check("backup_keep = 0", "`backup_keep`: invalid value '0'");
    check("[serve]\nreaders = 1", "`serve` is not a setting");
    check("\n\nreaders == 1", "line 3: ");
}

#[test]
fn a_missing_data_folder_is_a_usage_error_with_a_file_too() {
    // This holds only where the tests' own environment lacks the variable.
    if std::env::var_os("LINEBOOK_DATA").is_none() {
        let error = parse("readers = 2", &[]).expect_err("no folder");
        assert!(error.starts_with("usage: "), "{error}");
    }
}
