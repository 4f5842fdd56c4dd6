//! What an entry of the table can say although no method of today says it: methods of the tests' own, through the real
//! pipeline.

use linebook::api::answer::Body;
use linebook::api::dispatch::{Request, Verb, dispatch};
use linebook::api::method::*;
use linebook::api::methods;
use linebook::api::parameters::Parameters;
use linebook::store::row::Id;

use crate::common::World;
use crate::common::sha1;
use crate::common::world::NOW_MS;

const NO_PASSWORDS: &str = "UPDATE settings SET require_password = 'never'";

/// The answer's XML, without the declaration.
fn call(world: &World, method: &'static Method, sent: &[(&str, &str)]) -> String {
    let sent = sent.iter();
    let sent = sent.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let request = Request {
        method,
        verb: Verb::Post,
        parameters: Parameters::new(sent.collect()),
        address: None,
        request_id: "1".into(),
        now_ms: NOW_MS,
        session: None,
    };
    let answer = world.block_on(dispatch(&world.app.core, request));
    assert_eq!(answer.status, 200);
    let bytes = match answer.body {
        Body::Whole(bytes) => bytes,
        Body::Pieces(pieces) => pieces.map(Result::unwrap).collect::<Vec<_>>().concat(),
    };
    let text = String::from_utf8(bytes).unwrap();
    let declaration = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    match (answer.media, text.strip_prefix(declaration)) {
        (Media::Xml, Some(document)) => document.into(),
        (Media::Xml, None) => panic!("no declaration: {text}"),
        (Media::Text | Media::Html, _) => text,
    }
}

/// Answers who acts.
fn whoami(call: &Call) -> Reply {
    status("ok", [Element::text("name", call.actor.name.clone())])
}

const NOT_TOLD: Place = Place {
    around: &["action"],
    before: &[("name", "login"), ("status", "failed")],
    name: None,
};

static LOGIN: Method = Method {
    name: "login",
    who: Who::Password,
    hashes: &[strict(&["u", "p"], "all is signed")],
    unsigned: Some(Unsigned {
        level: HashLevel::Documented,
        dialect: Some(Dialect::Classic),
        why: "older pages have no hash",
    }),
    right: Right::SignedIn,
    denied: &denied("Login failed", "Login failed"),
    envelope: PerDialect {
        classic: rooted(
            "action",
            Place {
                name: Some("status_message"),
                ..NOT_TOLD
            },
        ),
        current: rooted("action", NOT_TOLD),
    },
    run: Run::Read(|_, call| Ok(whoami(call))),
    ..Method::DEFAULT
};

#[test]
fn a_password_can_be_all_that_proves_who_calls() {
    const GOOD: &str = "<action><status>ok</status><name>admin</name></action>";
    let failed = |text: &str| {
        format!(
            "<action><name>login</name><status>failed</status><status_message>{text}</status_message></action>"
        )
    };
    let world = World::after(NO_PASSWORDS);
    let send = |more: &[(&str, &str)]| {
        let sent = [&[("u", "admin")], more].concat();
        call(&world, &LOGIN, &sent)
    };
    assert_eq!(send(&[("p", "password")]), GOOD);
    assert_eq!(send(&[("p", "another")]), failed("Login failed"));
    assert_eq!(send(&[]), failed("Login failed"));
    // A hash that is sent must be right.
    let hash = sha1::hex("adminpasswordsecret");
    assert_eq!(send(&[("p", "password"), ("hash", &hash)]), GOOD);
    let wrong = [("p", "password"), ("hash", "0")];
    assert_eq!(send(&wrong), failed("Incorrect hash"));
    for (dialect, check, is_taken) in [
        ("classic", "strict", false),
        ("classic", "lenient", true),
        ("current", "documented", false),
        ("current", "lenient", false),
    ] {
        world.sql(&format!(
            "INSERT OR REPLACE INTO owner_settings VALUES (0, '{check}', '{dialect}')"
        ));
        let expected = match (is_taken, dialect) {
            (true, _) => GOOD.into(),
            (false, "classic") => failed("Incorrect hash"),
            (false, _) => "<action><name>login</name><status>failed</status></action>".into(),
        };
        assert_eq!(send(&[("p", "password")]), expected, "{dialect} {check}");
    }
}

const OWNER: Parameter = text("id", 40, "The owner's unique hash.").in_path();
static REGISTER: Method = Method {
    name: "register",
    parameters: &[OWNER],
    who: Who::Owner(OWNER),
    hashes: &[strict(&["id"], "all is signed")],
    right: Right::ManageServer,
    run: Run::Read(|_, call| Ok(whoami(call))),
    ..Method::DEFAULT
};

#[test]
fn a_call_can_be_for_an_owner_whom_it_does_not_name() {
    let world = World::after("UPDATE settings SET require_password = 'always'");
    let hash = sha1::hex("secret");
    let send = |sent: &[(&str, &str)]| call(&world, &REGISTER, sent);
    assert_eq!(
        send(&[("hash", &hash), ("u", "anna")]),
        "<page><status>ok</status><name>admin</name></page>"
    );
    assert_eq!(send(&[]), "<page><error>Incorrect hash</error></page>");
    let hash = sha1::hex("0123456789secret");
    assert_eq!(
        send(&[("id", "0123456789"), ("hash", &hash)]),
        "<page><error>Access Denied</error></page>"
    );
}

const DEVICE: Parameter = text("username", 80, "The device.")
    .names(Thing::Device)
    .required()
    .in_path();
static BALANCE: Method = Method {
    name: "balance",
    aliases: &["old_balance"],
    parameters: &[DEVICE],
    who: Who::Device(DEVICE),
    right: Right::SignedIn,
    denied: &denied("Nobody & nothing", ""),
    envelope: PerDialect {
        classic: bare(Media::Text),
        current: bare(Media::Html),
    },
    run: Run::Read(|_, call| {
        let device = call.need(DEVICE)?;
        Ok(Reply::Text(format!("<{device}> of {}", call.actor.name)))
    }),
    ..Method::DEFAULT
};

#[test]
fn a_device_can_be_all_that_names_its_user_and_an_answer_no_xml() {
    let world = World::new();
    let send = |device: &str| call(&world, &BALANCE, &[("username", device), ("u", "admin")]);
    assert_eq!(send("1002"), "<1002> of anna");
    assert_eq!(send("nobody's"), "Nobody & nothing");
    world.sql("INSERT OR REPLACE INTO owner_settings VALUES (0, 'strict', 'current')");
    let page = |text: &str| format!("<html><head></head><body>{text}</body></html>");
    assert_eq!(send("1002"), page("&lt;1002&gt; of anna"));
    assert_eq!(send(""), page("Nobody &amp; nothing"));
    world.sql("UPDATE devices SET hidden_ms = 1, pin = NULL WHERE username = '1002'");
    assert_eq!(send("1002"), page("Nobody &amp; nothing"));
}

#[test]
fn a_segment_of_the_path_is_a_parameter_where_the_entry_says_so() {
    let known = &[&ASKS, &REGISTER, &BALANCE];
    let route = |path: &[&'static str]| {
        let (method, parameter) = methods::route(known, path)?;
        Some((method.name, parameter))
    };
    assert_eq!(route(&["balance"]), Some(("balance", None)));
    let segment = Some(("username", "1002"));
    assert_eq!(route(&["balance", "1002"]), Some(("balance", segment)));
    assert_eq!(route(&["old_balance", "1002"]), Some(("balance", segment)));
    assert_eq!(route(&["asks", "1002"]), None);
    assert_eq!(route(&["balance", "1002", "1"]), None);
    assert_eq!(route(&[]), None);
    // A value under its own name counts instead.
    let sent = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(name, value)| ((*name).into(), (*value).into()));
        let sent = Parameters::sent(pairs.collect(), vec![("b".into(), "2".into())]).unwrap();
        sent.preceded_by("id", "7").unwrap()
    };
    assert_eq!(sent(&[]).get("id"), Some("7"));
    assert_eq!(sent(&[]).in_body("id"), None);
    assert_eq!(sent(&[]).in_body("b"), Some("2"));
    assert_eq!(sent(&[("id", "8")]).get("id"), Some("8"));
}

/// How many items the lists of these tests have in a piece.
const PIECE: Id = 2;

/// Five numbers, in three pieces.
fn numbers(call: &Call) -> (Vec<Element>, Option<Id>) {
    let last = (call.after + PIECE).min(5);
    let items = (call.after + 1..=last).map(|number| Element::number("n", number));
    (items.collect(), Some(last).filter(|last| *last < 5))
}

const LIST: Method = Method {
    name: "numbers",
    hashes: &[strict(&[], "there is no parameter")],
    right: Right::ManageApi,
    ..Method::DEFAULT
};

static FLAT: Method = Method {
    run: Run::Read(|_, call| {
        let (items, next) = numbers(call);
        Ok(Reply::List(List {
            items,
            next,
            ..List::default()
        }))
    }),
    ..LIST
};

static NESTED: Method = Method {
    run: Run::Read(|_, call| {
        let (items, next) = numbers(call);
        let period = Element::text("period", "a < b").attribute("from", "\"1\" & <2>");
        Ok(Reply::List(List {
            before: vec![Element::text("pagename", "Calls")],
            around: vec![
                Element::with("stat", [period]).attribute("currency", "EUR"),
                Element::with("calls", []),
            ],
            items,
            next,
            ..List::default()
        }))
    }),
    ..LIST
};

static OWN_ROOT: Method = Method {
    envelope: PerDialect::same(Envelope {
        root: None,
        ..page(error_in(&[]))
    }),
    run: Run::Read(|_, call| {
        let (items, next) = numbers(call);
        Ok(Reply::List(List {
            around: vec![Element::with("Invoices", []).attribute("from", "2019-05-01")],
            items,
            next,
            ..List::default()
        }))
    }),
    ..LIST
};

#[test]
fn lists_stand_in_the_root_in_a_path_or_in_a_root_of_their_own() {
    let world = World::new();
    let hash = sha1::hex("secret");
    let sent = [("u", "admin"), ("hash", hash.as_str())];
    let items = "<n>1</n><n>2</n><n>3</n><n>4</n><n>5</n>";
    assert_eq!(call(&world, &FLAT, &sent), format!("<page>{items}</page>"));
    assert_eq!(
        call(&world, &NESTED, &sent),
        format!(
            "<page><pagename>Calls</pagename><stat currency=\"EUR\"><period from=\"&quot;1&quot; &amp; &lt;2&gt;\">a &lt; b</period><calls>{items}</calls></stat></page>"
        )
    );
    assert_eq!(
        call(&world, &OWN_ROOT, &sent),
        format!("<Invoices from=\"2019-05-01\">{items}</Invoices>")
    );
    assert_eq!(
        call(&world, &OWN_ROOT, &sent[..1]),
        "<error>Incorrect hash</error>"
    );
}

static ODD_ERRORS: Method = Method {
    name: "odd_errors",
    hashes: &[strict(&[], "there is no parameter")],
    right: Right::ManageDids,
    denied: &[
        refuses(Rule::Access(AccessError::UnknownCaller), "Bad login"),
        refuses(Rule::Access(AccessError::IncorrectHash), "Incorrect hash")
            .standing(IN_STATUS_ALONE),
        refuses(Rule::Access(AccessError::WrongType), "Access Denied")
            .standing(error_in(&["response"])),
        refuses(Rule::Access(AccessError::NotPermitted), "Access denied"),
    ],
    errors: &[refuses(
        Rule::Access(AccessError::ApiDisabled),
        "Switched off",
    )],
    envelope: PerDialect::same(rooted(
        "response",
        Place {
            name: Some("message"),
            ..error_in(&["response", "error"])
        },
    )),
    ..Method::DEFAULT
};

#[test]
fn one_error_can_stand_elsewhere_than_the_others() {
    let world = World::new();
    let hash = sha1::hex("secret");
    let send = |name: &str, hash: &str| call(&world, &ODD_ERRORS, &[("u", name), ("hash", hash)]);
    let usual =
        |text: &str| format!("<response><error><message>{text}</message></error></response>");
    assert_eq!(send("nobody", &hash), usual("Bad login"));
    assert_eq!(
        send("admin", ""),
        "<status><error>Incorrect hash</error></status>"
    );
    // A type that never may call, and one that may with a permission.
    assert_eq!(
        send("manager", &hash),
        "<response><error>Access Denied</error></response>"
    );
    let clerk = sha1::hex("clerk-key");
    assert_eq!(send("clerk", &clerk), usual("Access denied"));
    world.sql("UPDATE settings SET allow_api = 0");
    assert_eq!(send("admin", &hash), usual("Switched off"));
}

static FORGOTTEN: Method = Method {
    name: "forgotten",
    run: Run::Read(|_, call| Ok(whoami(call))),
    ..Method::DEFAULT
};

/// An entry that forgets its right or its orders lets nobody in.
#[test]
fn what_an_entry_does_not_say_is_closed() {
    let callers: Vec<String> = FORGOTTEN
        .callers()
        .iter()
        .map(|(user_type, _)| user_type.to_string())
        .collect();
    assert_eq!(callers, ["admin"]);
    let world = World::new();
    let sent = [("u", "admin"), ("p", "password")];
    let incorrect = "<page><error>Incorrect hash</error></page>";
    assert_eq!(call(&world, &FORGOTTEN, &sent), incorrect);
    let hash = sha1::hex("secret");
    let sent = [sent[0], sent[1], ("hash", &hash)];
    assert_eq!(call(&world, &FORGOTTEN, &sent), incorrect);
}

static ASKS: Method = Method {
    name: "asks",
    parameters: &[
        NUMBER,
        NAME,
        text("comment", 9, "Blank clears it.").even_blank(),
    ],
    hashes: &[strict(&[], "there is no parameter")],
    errors: &[refuses(Rule::NotFound(Thing::Did), "DID was not found")],
    run: Run::Read(|_, call| {
        let comment = call.get(text("comment", 9, "").even_blank());
        let said = format!("{} {:?} {comment:?}", call.need(NUMBER)?, call.get(NAME));
        Ok(status("ok", [Element::text("said", said)]))
    }),
    ..Method::DEFAULT
};
const NUMBER: Parameter =
    digits("number", 9, "Its number.").required_or(Rule::NotFound(Thing::Did));
const NAME: Parameter = text("name", 9, "Its name.");

#[test]
fn a_call_asks_for_its_parameters_as_the_entry_says() {
    let world = World::new();
    let hash = sha1::hex("secret");
    let send = |more: &[(&str, &str)]| {
        let sent = [&[("u", "admin"), ("hash", hash.as_str())], more].concat();
        call(&world, &ASKS, &sent)
    };
    let missing = "<page><error>DID was not found</error></page>";
    assert_eq!(send(&[("name", "x")]), missing);
    assert_eq!(send(&[("number", " "), ("name", "x")]), missing);
    let said = |text: &str| format!("<page><status>ok</status><said>{text}</said></page>");
    assert_eq!(send(&[("number", "7")]), said("7 None None"));
    assert_eq!(
        send(&[("number", "7"), ("name", ""), ("comment", "")]),
        said("7 None Some(\"\")")
    );
}
