//! Groups and memberships.

use std::collections::BTreeSet;

use authorization_core::{
    Refusal, Resource,
    directory::{DirectoryError, GroupUpdate, MembersUpdate},
    model::Description,
    ports::{Platform, PolicyStore},
};
use jmap_domain::{Caller, GroupId, Name, UserId};
use jmap_proto::authorization as pb;
use jmap_wire::{FieldPath, FieldViolation, field_mask, format_policy_token, id, required};

use crate::{
    context::Context,
    page::{Asked, Page, SHORT, number},
    parse, principals,
    retry::Attempt,
    status::{Rejection, no_such_name, stale},
};

/// Most users that join or leave in one call.
const MAX_MEMBERS: usize = 1000;

impl<S: PolicyStore, P: Platform> Context<S, P> {
    pub(super) async fn create_group(
        &self,
        caller: &Caller,
        message: pb::CreateGroupRequest,
    ) -> Result<pb::CreateGroupResponse, Rejection> {
        let pb::CreateGroupRequest { group, request_id } = message;
        let (name, description) = parse_new_group(required("group", group)?)?;
        self.authority.own_session(caller)?;
        let content = format!("{name:?} {description:?}");
        let attempt = Attempt {
            call: "create_group",
            request_id: &request_id,
            content: &content,
        };
        let create = async {
            let made = self
                .authority
                .create_group(caller, name, description)
                .await?;
            let group = Some(principals::group(&made.value));
            Ok(pb::CreateGroupResponse {
                group,
                policy_token: format_policy_token(made.token()),
            })
        };
        self.retries.once(caller, attempt, create).await
    }

    pub(super) fn get_group(
        &self,
        caller: &Caller,
        message: pb::GetGroupRequest,
    ) -> Result<pb::GetGroupResponse, Rejection> {
        let pb::GetGroupRequest { group } = message;
        let group = match required("group", group)? {
            pb::get_group_request::Group::GroupId(group) => {
                principals::group(&*self.authority.group(caller, id("group_id", group)?)?)
            }
            pb::get_group_request::Group::Name(text) => {
                let name = parse::name("name", &text)?;
                let found = self.authority.find_group(caller, &name)?;
                let found = found.ok_or_else(|| no_such_name("group", &name))?;
                pb::Group {
                    group_id: found.id.get(),
                    name: found.name.to_string(),
                    ..pb::Group::default()
                }
            }
        };
        Ok(pb::GetGroupResponse { group: Some(group) })
    }

    pub(super) fn list_groups(
        &self,
        caller: &Caller,
        message: pb::ListGroupsRequest,
    ) -> Result<pb::ListGroupsResponse, Rejection> {
        let pb::ListGroupsRequest {
            page_size,
            page_token,
        } = message;
        let asked = Asked {
            size: page_size,
            token: &page_token,
        };
        let page = Page::parse(&self.pages, "groups".to_owned(), asked, SHORT)?;
        let groups = self
            .authority
            .list_groups(caller, &page.after_text(), page.size + 1)?;
        let (groups, next_page_token) = page.cut(groups, |group| group.name.key().into_bytes());
        let groups = groups
            .iter()
            .map(|group| principals::group(group))
            .collect();
        Ok(pb::ListGroupsResponse {
            groups,
            next_page_token,
        })
    }

    pub(super) async fn update_group(
        &self,
        caller: &Caller,
        message: pb::UpdateGroupRequest,
    ) -> Result<pb::UpdateGroupResponse, Rejection> {
        let (group, update) = parse_update(message)?;
        let result = self.authority.update_group(caller, group, update).await;
        let made = result.map_err(|error| self.group_rejection(group, error))?;
        let group = Some(principals::group(&made.value));
        Ok(pb::UpdateGroupResponse {
            group,
            policy_token: format_policy_token(made.token()),
        })
    }

    pub(super) async fn delete_group(
        &self,
        caller: &Caller,
        message: pb::DeleteGroupRequest,
    ) -> Result<pb::DeleteGroupResponse, Rejection> {
        let pb::DeleteGroupRequest { group_id } = message;
        let made = self
            .authority
            .delete_group(caller, id("group_id", group_id)?)
            .await?;
        Ok(pb::DeleteGroupResponse {
            policy_token: format_policy_token(made.token()),
        })
    }

    pub(super) fn list_group_members(
        &self,
        caller: &Caller,
        message: pb::ListGroupMembersRequest,
    ) -> Result<pb::ListGroupMembersResponse, Rejection> {
        let pb::ListGroupMembersRequest {
            group_id,
            page_size,
            page_token,
        } = message;
        let group: GroupId = id("group_id", group_id)?;
        let asked = Asked {
            size: page_size,
            token: &page_token,
        };
        let page = Page::parse(&self.pages, format!("members {group}"), asked, SHORT)?;
        let after = UserId::new(page.after_number()).ok();
        let users = self
            .authority
            .list_members(caller, group, after, page.size + 1)?;
        let (users, next_page_token) = page.cut(users, |user| number(user.id.get()));
        let users = users.iter().map(|user| principals::user(user)).collect();
        Ok(pb::ListGroupMembersResponse {
            users,
            next_page_token,
        })
    }

    pub(super) async fn update_group_members(
        &self,
        caller: &Caller,
        message: pb::UpdateGroupMembersRequest,
    ) -> Result<pb::UpdateGroupMembersResponse, Rejection> {
        let pb::UpdateGroupMembersRequest {
            group_id,
            add_user_ids,
            remove_user_ids,
        } = message;
        let group = id("group_id", group_id)?;
        let update = parse_members(&FieldPath::default(), &add_user_ids, &remove_user_ids)?;
        let made = self.authority.update_members(caller, group, update).await?;
        Ok(pb::UpdateGroupMembersResponse {
            policy_token: format_policy_token(made.token()),
        })
    }

    fn group_rejection(&self, group: GroupId, error: DirectoryError) -> Rejection {
        let snapshot = self.authority.snapshot();
        match (&error, snapshot.group(group)) {
            (DirectoryError::Refused(Refusal::Stale(Resource::Group(_))), Some(group)) => {
                stale(error.to_string(), group.revision).into()
            }
            _ => error.into(),
        }
    }
}

fn parse_new_group(group: pb::Group) -> Result<(Name, Description), FieldViolation> {
    let path = FieldPath::of("group");
    let pb::Group {
        name,
        description,
        group_id: _output_only,
        revision: _of_nothing_yet,
    } = group;
    Ok((
        parse::name(path.field("name"), &name)?,
        parse::description(path.field("description"), &description)?,
    ))
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Name,
    Description,
}

const FIELDS: [(&str, Field); 2] = [("name", Field::Name), ("description", Field::Description)];

fn parse_update(message: pb::UpdateGroupRequest) -> Result<(GroupId, GroupUpdate), FieldViolation> {
    let pb::UpdateGroupRequest { group, update_mask } = message;
    let path = FieldPath::of("group");
    let pb::Group {
        group_id,
        name,
        revision,
        description,
    } = required(path.clone(), group)?;
    let fields = field_mask(update_mask, &FIELDS)?;
    let name = fields
        .contains(&Field::Name)
        .then(|| parse::name(path.field("name"), &name));
    let description = fields
        .contains(&Field::Description)
        .then(|| parse::description(path.field("description"), &description));
    let update = GroupUpdate {
        expected: parse::expected(path.field("revision"), revision)?,
        name: name.transpose()?,
        description: description.transpose()?,
    };
    Ok((id(path.field("group_id"), group_id)?, update))
}

/// Who joins and who leaves, in fields under a path.
pub(crate) fn parse_members(
    path: &FieldPath,
    add: &[i64],
    remove: &[i64],
) -> Result<MembersUpdate, FieldViolation> {
    let joining: Vec<UserId> = parse::ids(&path.field("add_user_ids"), add, MAX_MEMBERS)?;
    let path = path.field("remove_user_ids");
    let leaving: Vec<UserId> = parse::ids(&path, remove, MAX_MEMBERS)?;
    let add: BTreeSet<UserId> = joining.into_iter().collect();
    match leaving.iter().position(|user| add.contains(user)) {
        Some(index) => Err(path.item(index).invalid("the user is added as well")),
        None => Ok(MembersUpdate {
            add,
            remove: leaving.into_iter().collect(),
        }),
    }
}
