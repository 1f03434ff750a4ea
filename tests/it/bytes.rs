//! The bytes on disk: every family under review as literal hex, round trips, and garbage that must not panic.

use std::collections::BTreeMap;
use std::sync::Arc;

use kith::codec::document::{Document, Field, Origin, encode};
use kith::codec::key::{
    EventKey, IdentifierKey, Key, LinkIndexKey, LinkKey, MemberKey, MentionKey, MessageKey, ModelKey, ProfileKey,
    ServedKey, SizeKey, TallyKey, TombstoneKey, TrailKey, WallKey,
};
use kith::codec::read::Cursor;
use kith::codec::record::{ModelVersion, Record, read_consents, read_hush, read_live, read_ties, split_profile};
use kith::codec::value::{put, take};
use kith::domain::access::{ApiKey, Scope, SecretHash};
use kith::domain::aggregate::{Aggregate, State, Window};
use kith::domain::attributes::Attributes;
use kith::domain::backfill::{Backfill, EventPlace};
use kith::domain::belonging::{Belonging, GroupMember, Tally, Ties};
use kith::domain::consent::{self, Consents, Purpose};
use kith::domain::erasure::{Erased, Scrub};
use kith::domain::event::{Call, StoredEvent};
use kith::domain::holdings::{Cell, Holdings, Stamp};
use kith::domain::hush::{Hushes, Said, Topic};
use kith::domain::identifier::Identifier;
use kith::domain::ids::{KindId, ProfileId, Seq, WorkspaceId};
use kith::domain::key;
use kith::domain::link::{Link, Moment};
use kith::domain::owner::Owner;
use kith::domain::profile::{Member, Membership, Merge, Profile};
use kith::domain::receipt::{Action, Line, LoggedReceipt, Mention, Receipt, Rule};
use kith::domain::refold::{self, Refold};
use kith::domain::served::{SendId, Served, Trail};
use kith::domain::size::{Gain, Size};
use kith::domain::time::Time;
use kith::domain::tombstone::{Tombstone, TombstoneHash};
use kith::domain::value::{Value, Values};
use kith::domain::view;
use kith::domain::wall::{Quarantine, Wall};
use proptest::prelude::*;

const WORKSPACE: WorkspaceId = WorkspaceId(1);

fn identifier(text: &str) -> Identifier {
    Identifier::from_stored(text).unwrap()
}

fn moment() -> Moment {
    Moment { time: Time::from_micros(0x0102_0304), message_id: "m1".into() }
}

fn holdings() -> Holdings {
    let stamp = Arc::new(Stamp { moment: moment(), source: "crm".into(), origin: identifier("user_id:u1") });
    let cell = |value| Cell { value, stamp: Arc::clone(&stamp) };
    let total = Value::Number(11.77);
    let state = |aggregate| State::of(&aggregate, &moment(), Some(&total)).unwrap();
    Holdings {
        attributes: Attributes::from(BTreeMap::from([
            ("first_name".into(), cell(Value::Text("Joe".into()))),
            ("orders.sum".into(), cell(Value::Bool(true))),
            ("tags".into(), cell(Value::List(vec![Value::Null, Value::Time(Time::from_micros(5))]))),
        ])),
        computed: BTreeMap::from([
            ("orders.average_7d".into(), state(Aggregate::Average).sliding(Window::Week, moment().time)),
            ("orders.count".into(), state(Aggregate::Count)),
            ("orders.counts".into(), state(Aggregate::MostFrequent)),
            ("orders.days".into(), state(Aggregate::DaysBetween)),
            ("orders.days_ago".into(), state(Aggregate::DaysSinceLast)),
            ("orders.days_here".into(), state(Aggregate::DaysSinceFirst)),
            ("orders.first".into(), state(Aggregate::First)),
            ("orders.hours".into(), state(Aggregate::Hours { time_zone: None })),
            ("orders.last".into(), state(Aggregate::Last)),
            ("orders.list".into(), state(Aggregate::UniqueList { limit: 3 })),
            ("orders.max".into(), state(Aggregate::Max)),
            ("orders.min".into(), state(Aggregate::Min)),
            ("orders.recent".into(), recent()),
            ("orders.sum".into(), state(Aggregate::Sum)),
        ]),
        ties: Ties {
            groups: BTreeMap::from([(identifier("account_id:acme"), belonging())]),
            for_groups: BTreeMap::from([("team.orders".into(), state(Aggregate::Count))]),
        },
        hushes: hushes(),
        consents: consents(),
    }
}

fn recent() -> State {
    let aggregate = Aggregate::LastEvents { limit: 2, properties: vec!["item".into()] };
    let properties = Value::Object(Values::from([("item".into(), Value::Text("boots".into()))]));
    State::of(&aggregate, &moment(), Some(&properties)).unwrap()
}

fn hushes() -> Hushes {
    let stamp = |time, message_id: &str| {
        let moment = Moment { time: Time::from_micros(time), message_id: message_id.into() };
        Arc::new(Stamp { moment, source: "crm".into(), origin: identifier("user_id:u1") })
    };
    let topic = Topic { name: "weddings".into(), channel: "push".into() };
    let said = |lift, until| Said { topic: topic.clone(), lift, until, cause: "never kept here".into() };
    let mut hushes = Hushes::default();
    hushes.learn(&said(true, None), &stamp(1, "m1"));
    hushes.learn(&said(false, Some(Time::from_micros(9))), &stamp(2, "m2"));
    hushes
}

fn consents() -> Consents {
    let said = |granted, channel: &str| consent::Said {
        purpose: Purpose { name: "ads".into(), channel: channel.into() },
        granted,
        address: None,
    };
    let stamp = Arc::new(Stamp { moment: moment(), source: "crm".into(), origin: identifier("user_id:u1") });
    let mut consents = Consents::default();
    consents.learn(&said(true, "sms"), &stamp, &[identifier("user_id:u0")]);
    consents.learn(&said(false, ""), &stamp, &[]);
    consents
}

fn group_member() -> GroupMember {
    GroupMember::of(&belonging(), &profile().membership, &holdings().ties)
}

fn belonging() -> Belonging {
    let mut belonging = Belonging::said(&moment(), "", true);
    let later = Moment { time: Time::from_micros(0x0102_0305), message_id: "m2".into() };
    belonging.absorb(Belonging::said(&later, "admin", false));
    belonging
}

fn profile() -> Profile {
    let member = |text: &str, alias_of: Option<&str>| Member {
        identifier: identifier(text),
        alias_of: alias_of.map(identifier),
    };
    let mut membership = Membership::new(moment());
    membership.join(member("user_id:u1", None));
    membership.join(member("user_id:u0", Some("user_id:u1")));
    membership.note_wall(wall());
    Profile {
        id: ProfileId(0xA1),
        kind: KindId::of("person"),
        membership,
        retired: vec![ProfileId(0xA2)],
        holdings: holdings(),
        sole: Some(identifier("user_id:u1")),
        rules: 3,
    }
}

fn wall() -> Wall {
    let between = [identifier("email:a@x.org"), identifier("user_id:u1")];
    Wall { between, until: Some(moment()), same_human: true, by: moment(), source: "ops".into() }
}

fn size() -> Size {
    Size { identifiers: 300, gained: vec![Gain { day: 20_000, identifiers: 7 }, Gain { day: 20_001, identifiers: 1 }] }
}

fn receipt() -> LoggedReceipt {
    let line = Line {
        action: Action::Demoted,
        kind: KindId::of("person"),
        identifier: Some(identifier("email:a@x.org")),
        profile: Some(ProfileId(0xA1)),
        rule: Some(Rule::Limit { type_name: "user_id".into(), limit: 1 }),
    };
    let receipt = Receipt {
        message_id: "m1".into(),
        profiles: vec![(KindId::of("person"), ProfileId(0xA1))],
        lines: vec![line],
        seq: Seq(7),
        duplicate: false,
        erased: Some(Erased { identifiers: 1, links: 2, events: 300, fragments: 4, unordered: true }),
    };
    LoggedReceipt { logged: Time::from_micros(9), receipt }
}

fn event() -> StoredEvent {
    StoredEvent {
        moment: moment(),
        origin: identifier("user_id:u1"),
        call: Call::Track,
        name: "order".into(),
        properties: Values::from([("total".into(), Value::Number(1.5))]),
        source: "shop".into(),
        raw_keys: vec!["user_id: u1 ".into()],
        other: Some(identifier("account_id:acme")),
        cause: "a cause".into(),
    }
}

fn refold() -> Refold {
    let tally = refold::Tally {
        identifiers: 1,
        profiles_before: 2,
        profiles_after: 3,
        split: 4,
        merged: 5,
        joined: 6,
        freed: 7,
        left: 8,
    };
    Refold { after: Some(identifier("user_id:u1")), finished: true, tally }
}

fn served() -> Served {
    let shown = |name: &str, value: Option<Value>, state, because| view::Shown {
        name: name.into(),
        rung: value.as_ref().map(|_| 1),
        value,
        state,
        because,
        as_of: Some(Time::from_micros(0x0102_0304)),
        scope: "person".into(),
    };
    Served {
        at: Time::from_micros(9),
        view: "newsletter".into(),
        version: 2,
        model_version: 3,
        renderable: true,
        fields: vec![
            shown("city", None, view::State::Stale, None),
            shown("name", Some(Value::Text("Joe".into())), view::State::Present, Some(view::State::Rejected)),
        ],
        customer: Some(ProfileId(7)),
        about: [identifier("user_id:u1")].into(),
    }
}

fn backfill() -> Backfill {
    let after = EventPlace { kind: KindId::of("person"), identifier: identifier("user_id:u1"), moment: moment() };
    let attributes = ["address.opens".to_owned(), "orders.count".to_owned()].into();
    Backfill { attributes, after: Some(after), finished: false, origins: 1, events: 2 }
}

fn api_key() -> ApiKey {
    ApiKey {
        key_id: "k1".into(),
        hash: SecretHash([0xAB; 32]),
        name: "mailer".into(),
        workspace: WORKSPACE,
        scopes: vec![Scope::Read, Scope::Admin],
        created_at: Time::from_micros(1),
        revoked_at: Some(Time::from_micros(2)),
    }
}

fn hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(32).map(|row| row.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    lines.collect::<Vec<_>>().join("\n         ")
}

fn row<K: Key + PartialEq + std::fmt::Debug, V: Record + PartialEq + std::fmt::Debug>(
    family: &str,
    key: &K,
    value: &V,
) -> String {
    let (key_bytes, value_bytes) = (key.encode(), value.encode().unwrap());
    assert_eq!(K::decode(&key_bytes).as_ref(), Ok(key), "{family}");
    assert_eq!(V::decode(&value_bytes).as_ref(), Ok(value), "{family}");
    format!("{family}\n  key    {}\n  value  {}\n", hex(&key_bytes), hex(&value_bytes))
}

#[test]
fn every_family_is_laid_out_as_reviewed() {
    let (workspace, kind) = (WORKSPACE, KindId::of("person"));
    let owned = IdentifierKey { workspace, kind, identifier: identifier("user_id:u1") };
    let owner = Owner {
        alias_of: Some(identifier("user_id:u0")),
        profile: Some(ProfileId(0xA1)),
        founded: Some(ProfileId(0xA3)),
        quarantine: Some(Quarantine::ReleasedAt(moment())),
        refusals: vec![(ProfileId(0xA2), Rule::Size)],
    };
    let link = Link {
        first: moment(),
        again: vec![Moment { time: Time::from_micros(0x0102_0305), message_id: "m2".into() }],
        source: "crm".into(),
        identifiers: vec![identifier("user_id:u1"), identifier("email:a@x.org")],
        previous: None,
    };
    let merge = Merge { absorbed: ProfileId(0xA2), survivor: ProfileId(0xA1), by: moment() };
    let at = |id| ProfileKey { workspace, profile: ProfileId(id) };
    let index = LinkIndexKey { workspace, identifier: identifier("a:\0b"), link: link.id() };
    let event_key = EventKey { workspace, kind, identifier: identifier("user_id:u1"), moment: moment() };
    let applied_at = Time::from_micros(3);
    let model = ModelVersion { source: "[kinds]".into(), applied_at, rules: 1, refolding: true };
    let group = identifier("account_id:acme");
    let tally_key = TallyKey { workspace, kind, group: group.clone() };
    let tally = Tally { by_types: BTreeMap::from([(group_member().types, 3)]) };
    let member_key = MemberKey { workspace, group, kind, profile: ProfileId(0xA1) };
    let tombstone_key = TombstoneKey { workspace, hash: TombstoneHash([0xCD; 32]) };
    let tombstone = Tombstone { seq: Seq(7), erased: Time::from_micros(0x0102_0304), suppress: true };
    let mention_key = MentionKey { workspace, identifier: identifier("a:\0b"), message_id: "m1".into() };
    let send = SendId::parse("spring-sale").unwrap();
    let by_identifier = ServedKey { workspace, key: key::Key::Identifier(identifier("a:\0b")), send: send.clone() };
    let by_id = ServedKey { workspace, key: key::Key::Profile(ProfileId(0xA1)), send };
    let trail_key = TrailKey { identifier: identifier("user_id:u1"), served: by_identifier.clone() };
    let [identifier, beyond] = wall().between;
    let rows = [
        row("link_by_id", &LinkKey { workspace, link: link.id() }, &link),
        row("link_by_identifier", &index, &()),
        row("profile_id_by_identifier", &owned, &owner),
        row("fragment_by_identifier", &owned, &holdings()),
        row("event_by_identifier_time", &event_key, &event()),
        row("profile_by_id", &at(0xA1), &profile()),
        row("alias_by_profile_id", &at(0xA2), &ProfileId(0xA1)),
        row("merge_by_profile_id", &at(0xA2), &merge),
        row("receipt_by_message_id", &MessageKey { workspace, message_id: "m1".into() }, &receipt()),
        row("model_by_version", &ModelKey { workspace, version: 1 }, &model),
        row("key_by_hash", &api_key().hash, &api_key()),
        row("wall_by_identifier", &WallKey { workspace, identifier, beyond }, &wall()),
        row("size_by_profile", &SizeKey { workspace, kind, profile: ProfileId(0xA1) }, &size()),
        row("member_by_account", &member_key, &group_member()),
        row("tally_by_account", &tally_key, &tally),
        row("refold_by_workspace", &workspace, &refold()),
        row("backfill_by_version", &ModelKey { workspace, version: 1 }, &backfill()),
        row("tombstone_by_hash", &tombstone_key, &tombstone),
        row("scrub_by_origin", &owned, &Scrub { after: Some(moment()) }),
        row("held_link_by_identifier", &index, &()),
        row("receipt_by_identifier", &mention_key, &receipt().mention()),
        row("served_by_key_and_send", &by_identifier, &served()),
        row("served_by_key_and_send", &by_id, &served()),
        row("served_by_identifier", &trail_key, &served().trail()),
    ];
    insta::assert_snapshot!(rows.join("\n"));
}

/// What was written before values stood in columns, byte for byte: a fragment, an event and a profile.
#[test]
fn records_of_the_first_layout_are_read() {
    let bytes_of = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    let stored = include_str!("bytes/first_layout.txt").lines().map(|line| bytes_of(line.split_once(' ').unwrap().1));
    let [of_fragment, of_event, of_profile] = stored.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(Holdings::decode(&of_fragment), Ok(holdings()));
    assert_eq!(StoredEvent::decode(&of_event), Ok(event()));
    assert_eq!(Profile::decode(&of_profile), Ok(profile()));

    let written = profile().encode().unwrap();
    assert_eq!(Profile::decode(&of_profile).unwrap().encode().unwrap(), written);
    let [before, now] =
        [&of_profile, &written].map(|bytes| Document::read(split_profile(bytes).unwrap().document).unwrap());
    let row = |Field { name, origin, value }: Field<'_>| (name.to_owned(), origin, value);
    let rows = |document: Document<'_>| document.fields().map(|field| row(field.unwrap())).collect::<Vec<_>>();
    assert_eq!(rows(before), rows(now));
    for name in rows(now).iter().map(|(name, ..)| name.as_str()).chain(["not there"]) {
        assert_eq!(before.get(name).unwrap().map(row), now.get(name).unwrap().map(row));
    }
}

#[test]
fn a_record_of_a_newer_version_is_refused_by_name() {
    let mut bytes = receipt().encode().unwrap();
    bytes[0] = 2;
    assert!(LoggedReceipt::decode(&bytes).unwrap_err().to_string().contains("version 2"));
    let mut bytes = profile().encode().unwrap();
    bytes.push(0);
    assert!(Profile::decode(&bytes).unwrap_err().to_string().contains("too many"));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_filter("JSON has no NaN", |n| n.is_finite()).prop_map(Value::Number),
        ".{0,12}".prop_map(Value::Text),
        any::<u64>().prop_map(|micros| Value::Time(Time::from_micros(micros))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(Value::Object),
        ]
    })
}

/// Of one of three stamps, computed or live.
fn origin() -> impl Strategy<Value = Origin> {
    let time = prop::option::of(any::<u64>().prop_map(Time::from_micros));
    prop_oneof![(0..3_u32).prop_map(Origin::Stamp), time.prop_map(Origin::Computed), Just(Origin::Live)]
}

/// A state that is live, one with a companion, one with a time, and one with neither.
fn state(at: usize) -> State {
    let aggregates = [Aggregate::DaysSinceLast, Aggregate::MostFrequent, Aggregate::Last, Aggregate::Count];
    State::of(&aggregates[at], &moment(), Some(&Value::Number(2.5))).unwrap()
}

proptest! {
    #[test]
    fn values_come_back_as_they_went(value in value()) {
        let mut bytes = Vec::new();
        put(&mut bytes, &value);
        let mut cursor = Cursor::new(&bytes, "value");
        prop_assert_eq!(take(&mut cursor).unwrap(), value);
        prop_assert_eq!(cursor.end(), Ok(()));
    }

    #[test]
    fn a_document_finds_each_field_and_no_other(
        fields in prop::collection::btree_map("[a-z.]{1,8}", (value(), origin()), 0..40),
        stamps in prop::array::uniform3(any::<u64>().prop_map(Time::from_micros)),
    ) {
        let rows = fields.iter().map(|(name, (value, origin))| Field { name, origin: *origin, value: value.clone() });
        let rows: Vec<Field> = rows.collect();
        let bytes = encode(&rows, &stamps);
        let document = Document::read(&bytes).unwrap();
        for (name, (value, origin)) in &fields {
            let as_of = match origin {
                Origin::Stamp(number) => Some(stamps[*number as usize]),
                Origin::Computed(time) => *time,
                Origin::Live => None,
            };
            let found = document.get(name).unwrap().map(|field| (field.origin, field.value));
            prop_assert_eq!(found, Some((*origin, value.clone())));
            prop_assert_eq!(document.as_of(*origin), Ok(as_of));
        }
        prop_assert!(document.get("not there").unwrap().is_none());
        let read = document.fields().map(|field| field.map(|field| (field.name, field.origin)));
        prop_assert!(read.eq(rows.iter().map(|row| Ok((row.name, row.origin)))));
    }

    /// The same bytes as if all had been read, whether or not a computed attribute has the name of another.
    #[test]
    fn attributes_that_nobody_asks_for_go_back_as_they_came(
        facts in prop::collection::btree_map("[a-c.]{1,3}", (value(), 0..3_u64), 0..20),
        computed in prop::array::uniform2(prop::collection::btree_map("[a-c.]{1,3}", 0..4_usize, 0..6)),
    ) {
        let stamp = |at: u64| {
            let moment = Moment { time: Time::from_micros(at), message_id: format!("m{at}") };
            Arc::new(Stamp { moment, source: "crm".into(), origin: identifier("user_id:u1") })
        };
        let cells = facts.into_iter().map(|(name, (value, at))| (name, Cell { value, stamp: stamp(at) }));
        let [before, after] = computed.map(|computed| computed.into_iter().map(|(name, at)| (name, state(at))).collect());
        let attributes = Attributes::from(cells.collect::<BTreeMap<_, _>>());
        let held = Holdings { attributes, computed: before, ..Holdings::default() };
        let mut unread = Holdings::decode(&held.encode().unwrap()).unwrap();
        prop_assert_eq!(&unread, &held);
        unread.computed = after;
        let mut read = unread.clone();
        read.attributes.cells_mut();
        prop_assert_eq!(unread.encode().unwrap(), read.encode().unwrap());
    }

    #[test]
    fn event_keys_sort_from_new_to_old_within_an_identifier(
        a in ("[a-c\\x00]{0,3}", any::<u32>(), "[a-c]{0,2}"),
        b in ("[a-c\\x00]{0,3}", any::<u32>(), "[a-c]{0,2}"),
    ) {
        let key = |(value, time, message_id): &(String, u32, String)| EventKey {
            workspace: WORKSPACE,
            kind: KindId(7),
            identifier: identifier(&format!("t:{value}")),
            moment: Moment { time: Time::from_micros(u64::from(*time)), message_id: message_id.clone() },
        };
        let order = |(value, time, message_id): &(String, u32, String)| {
            (value.clone(), std::cmp::Reverse(*time), message_id.clone())
        };
        prop_assert_eq!(key(&a).encode().cmp(&key(&b).encode()), order(&a).cmp(&order(&b)));
        prop_assert_eq!(EventKey::decode(&key(&a).encode()), Ok(key(&a)));
    }

    #[test]
    fn garbage_is_an_error_or_a_value_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode_everything(&bytes);
    }

    #[test]
    fn damaged_records_are_errors_or_values_and_never_panics(at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<prop::sample::Index>()) {
        for mut bytes in [profile().encode().unwrap(), receipt().encode().unwrap(), event().encode().unwrap(), holdings().encode().unwrap(), served().encode().unwrap()] {
            let place = at.index(bytes.len());
            bytes[place] = to;
            decode_everything(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            decode_everything(&bytes);
        }
    }
}

/// Reads `bytes` as everything there is. What comes out does not matter, as long as something does.
fn decode_everything(bytes: &[u8]) {
    let _ = (Owner::decode(bytes), Link::decode(bytes), Merge::decode(bytes), ProfileId::decode(bytes));
    let _ = (Holdings::decode(bytes), Profile::decode(bytes), StoredEvent::decode(bytes), LoggedReceipt::decode(bytes));
    let _ = (ApiKey::decode(bytes), ModelVersion::decode(bytes), <() as Record>::decode(bytes));
    let _ = (IdentifierKey::decode(bytes), ProfileKey::decode(bytes), WallKey::decode(bytes), LinkKey::decode(bytes));
    let _ = (SizeKey::decode(bytes), Wall::decode(bytes), Size::decode(bytes), Refold::decode(bytes));
    let _ = Backfill::decode(bytes);
    let _ = (MemberKey::decode(bytes), GroupMember::decode(bytes), TallyKey::decode(bytes), Tally::decode(bytes));
    let _ = (MentionKey::decode(bytes), Mention::decode(bytes), ServedKey::decode(bytes), Served::decode(bytes));
    let _ = (TrailKey::decode(bytes), Trail::decode(bytes));
    let _ = (TombstoneKey::decode(bytes), Tombstone::decode(bytes), Scrub::decode(bytes));
    if let Ok(parts) = split_profile(bytes) {
        let _ = (read_ties(parts.ties), read_hush(parts.hush), read_consents(parts.consents), read_live(parts.live));
    }
    let _ = (LinkIndexKey::decode(bytes), EventKey::decode(bytes), MessageKey::decode(bytes), ModelKey::decode(bytes));
    let _ = Document::read(bytes).map(|document| (document.get("x").is_ok(), document.fields().count()));
    let _ = take(&mut Cursor::new(bytes, "value"));
}
