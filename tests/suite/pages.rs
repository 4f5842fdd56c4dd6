//! The five requests that MOR's manual prints: their hashes as literal vectors, and all of them verbatim, in order,
//! against the demo.

use linebook::api::methods;
use linebook::api::parameters::Parameters;
use linebook::api::signature::sign;
use linebook::service::did_steps;
use linebook::service::guard::access::Actor;

use crate::common::world::NOW_MS;
use crate::common::{Request, World, sha1};

/// What the manual prints: the method, the signed text with its key, and the hash.
const HASHES: [(&str, &str, &str); 5] = [
    (
        "device_create",
        "2desription13secret",
        "6e79d4a82f68102f43be11d873177f47817f84df",
    ),
    (
        "did_trunk_device_assign",
        "1secret",
        "bc2f114099d16656d37e45fd9e8744cb9386d462",
    ),
    (
        "did_create",
        "1secret",
        "bc2f114099d16656d37e45fd9e8744cb9386d462",
    ),
    (
        "cli_add",
        "21234678secret",
        "1ba6df6ad2532aea7ca035be29b7dd63feb1df88",
    ),
    (
        "devices_get",
        "100456789",
        "71516eea4850f7e0300ac86adf9fb64bca845aa7",
    ),
];

#[test]
fn printed_hashes_are_sha1_over_values_and_key() {
    for (method, text, hash) in HASHES {
        assert_eq!(sha1::hex(text), hash, "{method}");
    }
}

/// For each method: the parameters of the printed request, the place of the order that gives the printed hash, and the
/// key.
#[test]
fn printed_hashes_come_from_an_accepted_order() {
    type Printed = (
        &'static str,
        &'static [(&'static str, &'static str)],
        usize,
        &'static str,
    );
    let cases: [Printed; 5] = [
        (
            "device_create",
            &[
                ("description", "desription1"),
                ("user_id", "2"),
                ("pin", "3"),
            ],
            0,
            "secret",
        ),
        (
            "did_trunk_device_assign",
            &[("did", "123456789"), ("device_id", "1")],
            2,
            "secret",
        ),
        (
            "did_create",
            &[("did", "123456789"), ("provider_id", "1")],
            3,
            "secret",
        ),
        (
            "cli_add",
            &[
                ("comment", "comment"),
                ("cli_number", "1234678"),
                ("device_id", "2"),
            ],
            1,
            "secret",
        ),
        ("devices_get", &[("user_id", "100")], 0, "456789"),
    ];
    for ((method, pairs, order, key), (printed_for, _, hash)) in cases.into_iter().zip(HASHES) {
        assert_eq!(method, printed_for);
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let parameters = Parameters::new(pairs.collect()).unwrap();
        let order = &methods::find(method).unwrap().hashes[order];
        assert_eq!(sign(order, &parameters, key), hash, "{method}");
    }
}

#[test]
fn sha1_of_the_tests_is_sha1() {
    // The standard's examples: one block, two blocks.
    assert_eq!(sha1::hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    let two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_eq!(
        sha1::hex(two_blocks),
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
    );
}

#[test]
fn printed_requests_work_in_order() {
    let world = World::new();
    let post = |target: &str| world.send(&Request::new("POST", target));

    let created = post(
        "/billing/api/device_create?u=admin&user_id=2&description=desription1&pin=3&hash=6e79d4a82f68102f43be11d873177f47817f84df",
    );
    let page = created.page();
    assert!(
        page.starts_with("<status>Device created</status><id>8</id>"),
        "{page}"
    );

    let created = post(
        "/billing/api/did_create?u=admin&p=password&did=123456789&provider_id=1&hash=bc2f114099d16656d37e45fd9e8744cb9386d462",
    );
    assert_eq!(created.page(), "<status>DID created</status><id>11</id>");

    let assign = "/billing/api/did_trunk_device_assign?u=username&did=123456789&device_id=1&hash=bc2f114099d16656d37e45fd9e8744cb9386d462";
    // The DID has no user yet, so it has to be reserved first.
    assert_eq!(
        post(assign).error().unwrap(),
        "DID must be reserved for a User"
    );
    let reserved = world.app.core.store.write(|tx| {
        let operator = Actor::operator(NOW_MS);
        did_steps::reserve(tx, &operator, "123456789", 2)
    });
    world.block_on(reserved).unwrap();
    let success = "<status><success>Device assigned to DID</success></status>";
    assert_eq!(post(assign).page(), success);

    let added = post(
        "/billing/api/cli_add?u=admin&cli_number=1234678&cli_description=description&comment=comment&ivr_id=2&banned=1&device_id=2&test=1&hash=1ba6df6ad2532aea7ca035be29b7dd63feb1df88",
    );
    added.check();
    assert!(
        added
            .text()
            .contains("<status>CLI successfully created</status>")
    );
    assert!(!added.is_gzipped());

    let listed = post(
        "/billing/api/devices_get?u=admin&user_id=100&hash=71516eea4850f7e0300ac86adf9fb64bca845aa7",
    );
    assert!(listed.is_gzipped());
    assert_eq!(
        listed.page(),
        "<devices><device><device_id>3</device_id><device_type>SIP</device_type><ipaddr>192.0.2.30</ipaddr><port>5060</port></device>\
         <device><device_id>4</device_id><device_type>IAX2</device_type><ipaddr>192.0.2.40</ipaddr><port>4569</port></device></devices>"
    );
}
