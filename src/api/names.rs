//! Scopes and roles as the API writes them: with all their names in the description.

use samvad_actors::domain::{Permission, Role};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A permission, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(pub Permission);

/// A role, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleName(pub Role);

fn one_of(names: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .into()
}

impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        one_of(Permission::ALL.into_iter().map(Permission::scope))
    }
}

impl ToSchema for Scope {}

impl PartialSchema for RoleName {
    fn schema() -> RefOr<Schema> {
        one_of(Role::ALL.into_iter().map(Role::as_str))
    }
}

impl ToSchema for RoleName {}
