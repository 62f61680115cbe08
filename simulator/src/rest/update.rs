//! `POST …/Calls/{Sid}.json`.

use super::create::document;
use super::error::ApiError;
use super::parameters::{DESCRIPTION, Fields};
use super::{find, resource};
use crate::network::{CallStatus, Order, World};
use crate::scenario::FaultKind;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use std::sync::Arc;

pub(super) async fn update(
    State(world): State<Arc<World>>,
    Path((_, file)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let call = find(&world, &file)?;
    let fields = Fields::parse(&body);
    for fault in fields.faults(&DESCRIPTION.update_call) {
        call.violation(format!("updating a call: {fault}"));
    }
    let document = document(&fields)?;
    let status = call.state().status;
    if status.is_over() {
        return Err(ApiError::NotInProgress);
    }
    if call.faults.has(FaultKind::EndedBeforeUpdate) {
        call.orders.send_replace(Order::CallerHangsUp);
        return Err(ApiError::NotInProgress);
    }
    let order = match (fields.get("Status"), document) {
        (Some("canceled"), None) if status == CallStatus::InProgress => return Err(ApiError::NotInProgress),
        (Some("canceled" | "completed"), None) => Order::End,
        (None, Some(document)) => Order::Redirect(document),
        _ => {
            let message = "give Status (canceled or completed), or Url, or Twiml".to_owned();
            return Err(ApiError::Parameter { code: 20001, message });
        }
    };
    call.orders.send_replace(order);
    Ok(resource::answer(200, &resource::call(&call, &world.account_sid)))
}
