//! Tables of any length as answers: written page by page, as fast as they are read. Between two pages nothing is held,
//! no connection to the database either.

use crate::problem::Problem;
use actix_web::HttpResponse;
use actix_web::http::header::{
    CONTENT_TYPE, ContentDisposition, DispositionParam, DispositionType, HeaderName, HeaderValue,
};
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt, stream};
use std::future::ready;

/// A page as CSV, and after what the next one begins; `None` after the last.
pub(super) type CsvPage<K> = Option<(Vec<u8>, K)>;

/// Pages as a body, after a header. The first is read before there is an answer, so that what is wrong from the start is
/// told as a problem; a fault later on breaks the body off, which its reader sees.
///
/// # Errors
/// What reading the first page says.
pub(super) async fn body<K, R>(
    header: Vec<u8>,
    first: K,
    read: impl Fn(K) -> R + 'static,
) -> Result<impl Stream<Item = Result<Bytes, Problem>>, Problem>
where
    K: 'static,
    R: Future<Output = Result<CsvPage<K>, Problem>> + 'static,
{
    let (mut start, mut next) = (header, None);
    if let Some((rows, key)) = read(first).await? {
        start.extend(rows);
        next = Some(key);
    }
    let rest = stream::try_unfold((next, read), |(next, read)| async move {
        let Some(key) = next else { return Ok(None) };
        let page = read(key).await?;
        Ok(page.map(|(rows, key)| (Bytes::from(rows), (Some(key), read))))
    });
    Ok(stream::once(ready(Ok(Bytes::from(start)))).chain(rest))
}

/// An answer that browsers save under a name.
pub(super) fn answer(
    file_name: String,
    headers: &[(HeaderName, HeaderValue)],
    body: impl Stream<Item = Result<Bytes, Problem>> + 'static,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"));
    response.insert_header(ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(file_name)],
    });
    for header in headers {
        response.insert_header(header.clone());
    }
    response.streaming(body)
}

/// An id as part of a file's name, whatever it holds.
pub(super) fn file_name_part(id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    id.chars().take(100).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three pages of two bytes; reading the one after `broken` fails.
    async fn read(broken: Option<u32>) -> Result<Vec<Result<Bytes, Problem>>, Problem> {
        let page = move |after: u32| {
            ready(match after {
                _ if Some(after) == broken => Err(Problem::internal()),
                3 => Ok(None),
                after => Ok(Some((format!("{after}\n").into_bytes(), after + 1))),
            })
        };
        Ok(body(b"n\n".to_vec(), 0, page).await?.collect().await)
    }

    #[tokio::test]
    async fn a_table_is_its_header_and_its_pages_and_a_fault_breaks_it_off() {
        let whole: Result<Vec<Bytes>, Problem> = read(None).await.expect("begun").into_iter().collect();
        assert_eq!(whole.expect("whole").concat(), b"n\n0\n1\n2\n");
        assert!(read(Some(0)).await.is_err());
        let broken = read(Some(2)).await.expect("begun");
        assert_eq!(broken.len(), 3);
        assert!(broken[1].is_ok() && broken[2].is_err());
    }

    #[test]
    fn a_file_is_named_in_plain_letters() {
        assert_eq!(file_name_part("a-1/..\r\n\"é"), "a-1_______");
    }
}
