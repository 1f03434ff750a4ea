//! What is known of identities on its way out, and the two that are asked about on their way in.

use super::time;
use crate::domain::answer;
use crate::domain::identifier::Identifier;
use crate::domain::ids::{ProfileId, WorkspaceId};
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::key::Key;
use crate::domain::link::Moment;
use crate::domain::model::{Kind, Model};
use crate::domain::resolution::Refusal;
use crate::domain::resolution::explain::Step;
use crate::domain::resolution::fold::Refused;
use crate::domain::wall::Wall;
use crate::engine::{Apart, LargeProfile, LargestBy, Pair, Together};
use crate::proto::v1;

/// Reads two different identifiers of a kind.
pub fn read_pair(a: &str, b: &str, kind: &str, workspace: WorkspaceId, model: &Model) -> Result<Pair, Invalid> {
    let kind = answer::kind(kind, model)?;
    let (a, b) = (read_identifier(a, "a", kind, model)?, read_identifier(b, "b", kind, model)?);
    if a == b {
        return Err(Invalid::new(Reason::BadValue, "b", "is the same identifier as `a`"));
    }
    Ok(Pair { workspace, kind: kind.id, a, b })
}

fn read_identifier(text: &str, field: &str, kind: &Kind, model: &Model) -> Result<Identifier, Invalid> {
    match answer::ranked_key(text, field, kind, model)? {
        (_, Key::Identifier(identifier)) => Ok(identifier),
        (_, Key::Profile(_)) => {
            let text = "names a profile; what holds it together is between its identifiers: see GetProfile for them";
            Err(Invalid::new(Reason::BadValue, field, text))
        }
    }
}

/// Reads what the largest profiles are to be largest by.
pub fn read_largest_by(by: i32) -> Result<LargestBy, Invalid> {
    match v1::LargestBy::try_from(by) {
        Ok(v1::LargestBy::Unspecified | v1::LargestBy::Size) => Ok(LargestBy::Size),
        Ok(v1::LargestBy::Growth) => Ok(LargestBy::Growth),
        Err(_) => Err(Invalid::new(Reason::BadValue, "by", "is neither LARGEST_BY_SIZE nor LARGEST_BY_GROWTH")),
    }
}

/// Reads the id of a merge.
pub fn read_merge(merge_id: &str) -> Result<ProfileId, Invalid> {
    if merge_id.is_empty() {
        return Err(Invalid::new(Reason::Missing, "merge_id", "is empty; see ListMerges"));
    }
    let text = "is no id of a merge; it is that of the profile that was merged away, a UUID: see ListMerges";
    ProfileId::parse(merge_id).ok_or_else(|| Invalid::new(Reason::MalformedToken, "merge_id", text))
}

/// Writes why two identifiers are one profile.
pub fn write_together(together: Together, token: String) -> v1::ExplainResponse {
    let Together { profile, way } = together;
    let steps = way.into_iter().map(write_step).collect();
    v1::ExplainResponse { profile_id: profile.to_string(), steps, token }
}

fn write_step(step: Step) -> v1::ExplainStep {
    let Step { from, to, moment: Moment { time, message_id }, source, identifiers, cuts } = step;
    v1::ExplainStep {
        from_key: text(&from),
        to_key: text(&to),
        message_id,
        time: Some(time::write(time)),
        source,
        keys: identifiers.iter().map(text).collect(),
        cuts,
    }
}

/// Writes why two identifiers are not one profile.
pub fn write_apart(apart: Apart, token: String) -> v1::ExplainApartResponse {
    let Apart { profiles, refusals, walls } = apart;
    let [a, b] = profiles.map(|id| id.map(|id| id.to_string()).unwrap_or_default());
    v1::ExplainApartResponse {
        a_profile_id: a,
        b_profile_id: b,
        refusals: refusals.into_iter().map(write_refused).collect(),
        walls: walls.into_iter().map(write_wall).collect(),
        token,
    }
}

fn write_refused(refused: Refused) -> v1::LinkRefusal {
    let Refused { moment: Moment { time, message_id }, by, refusal } = refused;
    let Refusal { identifier, owner: _, rule } = refusal;
    v1::LinkRefusal {
        key: text(&identifier),
        profile_id: by.to_string(),
        rule: rule.to_string(),
        message_id,
        time: Some(time::write(time)),
    }
}

fn write_wall(wall: Wall) -> v1::IdentityWall {
    let Wall { between, until, same_human, by: Moment { time, message_id }, source } = wall;
    v1::IdentityWall {
        keys: between.iter().map(text).collect(),
        until: until.map(|Moment { time, message_id: _ }| time::write(time)),
        same_human,
        message_id,
        time: Some(time::write(time)),
        source,
    }
}

/// Writes a profile with many identifiers.
pub fn write_large(profile: LargeProfile) -> v1::LargeProfile {
    let LargeProfile { id, identifiers, growth } = profile;
    v1::LargeProfile { profile_id: id.to_string(), identifiers, growth }
}

fn text(identifier: &Identifier) -> String {
    identifier.as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use crate::domain::model::DEFAULT_MODEL;

    use super::*;

    #[test]
    fn two_different_identifiers_of_the_kind_are_asked_about() {
        let model = Model::parse(DEFAULT_MODEL).unwrap();
        let read = |a, b, kind| read_pair(a, b, kind, WorkspaceId(1), &model);
        let pair = read("email:Joe@Example.com", "user_id:1", "").unwrap();
        assert_eq!((pair.a.as_str(), pair.b.as_str()), ("email:joe@example.com", "user_id:1"));
        let profile = format!("profile_id:{}", ProfileId(1));
        let cases = [
            (profile.as_str(), "user_id:1", "", Reason::BadValue, "a"),
            ("user_id:1", "user_id:1 ", "", Reason::BadValue, "b"),
            ("user_id:1", "nonsense", "", Reason::MalformedKey, "b"),
            ("user_id:1", "email:a@x.org", "nothing", Reason::UnknownKind, "kind"),
        ];
        for (a, b, kind, reason, field) in cases {
            let refused = read(a, b, kind).unwrap_err();
            assert_eq!((refused.reason, refused.field.as_str()), (reason, field));
        }
    }
}
