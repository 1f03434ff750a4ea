//! Steps about segments: who is in one.

use std::sync::Arc;

use kith::client::Client;
use kith::domain::ids::WorkspaceId;
use kith::domain::model::Model;
use kith::engine::Engine;
use kith::proto::v1;
use kith::server;

use super::Names;

/// What the engine answers, page by page.
pub fn on_engine(engine: &Engine, workspace: WorkspaceId, model: &Model, name: &str, names: &mut Names) -> String {
    let segment = match model.segment(name) {
        Ok(segment) => Arc::clone(segment),
        Err(invalid) => return format!("refused {}: {}\n", invalid.field, invalid.text),
    };
    let (mut after, mut members) = (None, Vec::new());
    loop {
        let page = engine.segment_page(workspace, &segment, server::now(), after.as_ref()).unwrap();
        for member in page.members {
            let id = member.profile.map(|id| id.to_string()).unwrap_or_default();
            members.push((id, member.identifier.map(|identifier| identifier.as_str().to_owned()).unwrap_or_default()));
        }
        after = page.next;
        if after.is_none() {
            return tell(&members, page.undecided, names);
        }
    }
}

/// What comes over the wire.
pub async fn through_grpc(client: &Client, name: &str, names: &mut Names) -> String {
    let request = v1::ListSegmentMembersRequest { segment: name.to_owned(), ..Default::default() };
    let mut pages = match client.segment().list_segment_members(request).await {
        Ok(pages) => pages.into_inner(),
        Err(status) => return format!("refused {}\n", status.message()),
    };
    let (mut members, mut undecided) = (Vec::new(), 0);
    while let Some(page) = pages.message().await.unwrap() {
        undecided = page.undecided;
        members.extend(page.members.into_iter().map(|member| (member.profile_id, member.key)));
    }
    tell(&members, undecided, names)
}

fn tell(members: &[(String, String)], undecided: u64, names: &mut Names) -> String {
    let told = members.iter().map(|(id, key)| match id.as_str() {
        "" => format!("  {key}\n"),
        id => format!("  {} {key}\n", names.of(id)),
    });
    let undecided = if undecided > 0 { format!("  {undecided} undecided\n") } else { String::new() };
    let told = told.collect::<String>() + &undecided;
    if told.is_empty() { "in it: nobody\n".to_owned() } else { format!("in it:\n{told}") }
}
