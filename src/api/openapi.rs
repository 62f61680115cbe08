//! The description of the API (OpenAPI 3.1), collected from the code. What every operation has in common (problems,
//! headers, security) is added here from what it says of itself, so that handlers describe only what is their own.

use super::operations::{Access, BODY_LIMIT, BODY_LIMIT_EXTENSION, KEEPS_ANSWER, Operation, Operations, PERMISSION};
use crate::access::csrf::{self, CSRF_HEADER};
use crate::problem::{PROBLEM_JSON, ProblemBody};
use actix_web::http::{Method, StatusCode};
use serde_json::Value;
use utoipa::openapi::path::{Operation as Described, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, Content, Ref, RefOr, Required, ResponseBuilder};
use utoipa::{OpenApi, openapi};

/// What is said of the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Samvad",
        description = "Phone surveys: campaigns, contacts, results, and who may do what.\n\n\
            Errors are problem details (RFC 9457). Every answer carries `x-request-id`. Lists come in pages: `next` of \
            one is `cursor` of the following. What can be edited has an `etag`, and an edit needs it in `if-match`. \
            A write with an `idempotency-key` is done once, however often it is sent.\n\n\
            `x-permission` of an operation is the permission it needs; `signed_in`: whoever has signed in or shows a \
            token; `session`: people alone; `public`, `health`: everybody."
    ),
    components(schemas(ProblemBody))
)]
pub(super) struct Description;

/// What the description says wrongly: the server does not start then.
#[derive(Debug, thiserror::Error)]
#[error("the description of {method} {path} is wrong: {fault}")]
pub struct DescriptionFault {
    method: Method,
    path: String,
    fault: &'static str,
}

/// The statuses of problems, with what they mean everywhere.
const PROBLEMS: &[(StatusCode, &str)] = &[
    (StatusCode::BAD_REQUEST, "The request cannot be read."),
    (
        StatusCode::UNAUTHORIZED,
        "Nobody has signed in, or the session or token is not valid.",
    ),
    (
        StatusCode::FORBIDDEN,
        "Not allowed, or without the session's CSRF token.",
    ),
    (StatusCode::NOT_FOUND, "There is no such thing."),
    (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time."),
    (
        StatusCode::CONFLICT,
        "It does not go with how things stand, or the same request is under way.",
    ),
    (
        StatusCode::PRECONDITION_FAILED,
        "It has been changed since: `if-match` is another version.",
    ),
    (StatusCode::PAYLOAD_TOO_LARGE, "The body is too long."),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is of another media type."),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "The request can be read and has faults.",
    ),
    (StatusCode::PRECONDITION_REQUIRED, "The edit needs `if-match`."),
    (
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests; `retry-after` says when to come back.",
    ),
    (StatusCode::INTERNAL_SERVER_ERROR, "The server has failed."),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "The server cannot do it now; `retry-after` says when to come back.",
    ),
];

/// Completes a description and reads from it what may be served.
///
/// # Errors
/// [`DescriptionFault`], for an operation that does not say who may use it.
pub(super) fn complete(description: &mut openapi::OpenApi, cookie: &str) -> Result<Operations, DescriptionFault> {
    let mut operations = Operations::default();
    for (path, item) in &mut description.paths.paths {
        for (method, described) in described(item) {
            let fault = |fault| DescriptionFault {
                method: method.clone(),
                path: path.clone(),
                fault,
            };
            let operation = read(path, described).map_err(fault)?;
            describe(&method, &operation, described);
            operations.add(&method, operation);
        }
    }
    let components = description.components.get_or_insert_with(Components::new);
    add_components(components, cookie);
    Ok(operations)
}

fn described(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Described)> {
    [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::OPTIONS, &mut item.options),
        (Method::HEAD, &mut item.head),
        (Method::PATCH, &mut item.patch),
        (Method::TRACE, &mut item.trace),
    ]
    .into_iter()
    .filter_map(|(method, described)| described.as_mut().map(|described| (method, described)))
}

fn read(path: &str, described: &Described) -> Result<Operation, &'static str> {
    let extension = |name| described.extensions.as_ref().and_then(|all| all.get(name));
    let access = match extension(PERMISSION).and_then(Value::as_str) {
        Some(name) => Access::from_name(name).ok_or("x-permission names no permission")?,
        None => return Err("it has no x-permission"),
    };
    let body_limit = match extension(BODY_LIMIT_EXTENSION) {
        Some(limit) => limit
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
            .ok_or("x-body-limit is not a count of bytes")?,
        None => BODY_LIMIT,
    };
    let keeps_answer = match extension(KEEPS_ANSWER) {
        Some(keeps) => keeps.as_bool().ok_or("x-idempotency-key is neither true nor false")?,
        None => true,
    };
    Ok(Operation {
        path: path.to_owned(),
        access,
        body_limit,
        keeps_answer,
    })
}

/// Adds what follows from the kind of operation.
fn describe(method: &Method, operation: &Operation, described: &mut Described) {
    let needs_principal = operation.access.needs_principal();
    let is_unsafe = !csrf::is_safe(method);
    let parameters = described.parameters.get_or_insert_default();
    let if_match = parameters
        .iter()
        .find(|parameter| parameter.name.eq_ignore_ascii_case("if-match"))
        .map(|parameter| parameter.required == Required::True);
    let has_path_parameters = operation.path.contains('{');
    let takes_key = needs_principal && is_unsafe && operation.keeps_answer;
    if needs_principal && is_unsafe {
        let text = "The session's CSRF token; not needed with an API token.";
        // Without a length: a token's requests may hold anything there.
        parameters.push(header(CSRF_HEADER.as_str(), text, None));
    }
    if takes_key {
        let text = "Chosen by the client, 1 to 255 visible ASCII characters: the same write sent again is done once.";
        parameters.push(header("idempotency-key", text, Some(255)));
    }
    if parameters.is_empty() {
        described.parameters = None;
    }
    let mut statuses = vec![StatusCode::INTERNAL_SERVER_ERROR, StatusCode::SERVICE_UNAVAILABLE];
    if operation.access != Access::Health {
        statuses.extend([StatusCode::BAD_REQUEST, StatusCode::TOO_MANY_REQUESTS]);
    }
    if needs_principal {
        statuses.extend([StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]);
    }
    if has_path_parameters {
        statuses.push(StatusCode::NOT_FOUND);
    }
    if described.request_body.is_some() {
        statuses.extend([
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]);
    }
    if takes_key {
        statuses.extend([
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::CONFLICT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]);
    }
    if if_match.is_some() {
        statuses.push(StatusCode::PRECONDITION_FAILED);
    }
    if if_match == Some(true) {
        statuses.push(StatusCode::PRECONDITION_REQUIRED);
    }
    for status in statuses {
        let response = Ref::from_response_name(response_name(status));
        let responses = &mut described.responses.responses;
        responses
            .entry(status.as_str().to_owned())
            .or_insert(RefOr::Ref(response));
    }
    described.security = Some(match operation.access {
        Access::Health | Access::Public => vec![SecurityRequirement::default()],
        Access::Session => vec![SecurityRequirement::new("session", [""; 0])],
        Access::SignedIn | Access::Permission(_) => vec![
            SecurityRequirement::new("session", [""; 0]),
            SecurityRequirement::new("token", [""; 0]),
        ],
    });
}

/// A header that may be left out; with a longest length, it is not empty either.
fn header(name: &str, text: &str, longest: Option<usize>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(longest.map(|_| 1))
                .max_length(longest),
        ))
        .build()
}

fn response_name(status: StatusCode) -> String {
    format!("Problem{}", status.as_str())
}

fn add_components(components: &mut Components, cookie: &str) {
    for (status, text) in PROBLEMS {
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        let response = ResponseBuilder::new()
            .description(*text)
            .content(PROBLEM_JSON, content)
            .build();
        components.responses.insert(response_name(*status), RefOr::T(response));
    }
    let session = ApiKeyValue::with_description(
        cookie,
        "Opened by signing in. Unsafe methods need the header `x-csrf-token` besides.",
    );
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API token. Its scopes are permissions, and it may never do more than its owner.",
        ))
        .build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
}

/// Every status that an operation gets by itself is described.
#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::PathItem;
    use utoipa::openapi::extensions::Extensions;
    use utoipa::openapi::path::{HttpMethod, OperationBuilder};

    fn description_of(method: HttpMethod, extensions: &[(&str, Value)]) -> openapi::OpenApi {
        let extensions: Extensions = extensions.iter().map(|(name, value)| (*name, value.clone())).collect();
        let operation = OperationBuilder::new().extensions(Some(extensions)).build();
        let mut description = Description::openapi();
        description
            .paths
            .paths
            .insert("/things/{id}".into(), PathItem::new(method, operation));
        description
    }

    #[test]
    fn an_operation_that_does_not_say_who_may_use_it_is_not_served() {
        for extensions in [&[][..], &[(PERMISSION, Value::from("everything"))]] {
            let mut description = description_of(HttpMethod::Get, extensions);
            assert!(complete(&mut description, "samvad").is_err());
        }
    }

    #[test]
    fn what_follows_from_the_kind_of_operation_is_described() {
        let mut description = description_of(HttpMethod::Post, &[(PERMISSION, Value::from("campaigns:write"))]);
        let operations = complete(&mut description, "samvad").expect("described");
        let known = operations
            .at("/things/{id}")
            .and_then(|methods| methods.get("POST"))
            .expect("known");
        assert_eq!(known.body_limit, BODY_LIMIT);
        let text = serde_json::to_value(&description).expect("JSON");
        let operation = &text["paths"]["/things/{id}"]["post"];
        for status in ["400", "401", "403", "404", "409", "422", "429", "500", "503"] {
            let reference = operation["responses"][status]["$ref"].as_str().expect("a reference");
            let name = reference.rsplit('/').next().expect("a name");
            assert!(text["components"]["responses"][name].is_object(), "{name}");
        }
        let parameters: Vec<&str> = operation["parameters"]
            .as_array()
            .expect("parameters")
            .iter()
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(parameters, ["x-csrf-token", "idempotency-key"]);
    }
}
