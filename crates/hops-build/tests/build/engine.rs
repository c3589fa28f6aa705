//! The little that is asked of a Docker engine here.

use async_trait::async_trait;
use hops_build::{Images, UserUnknown};
use hops_model::{ImageRef, ImageUser};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

/// A Docker engine, by its socket.
pub(crate) struct Engine(String);

impl Engine {
    pub(crate) fn new(socket: String) -> Self {
        Self(socket)
    }

    /// Status and body of an answer. HTTP/1.0, so that the body ends with the connection.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = UnixStream::connect(&self.0).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    pub(crate) async fn image(&self, image: &ImageRef) -> Option<Value> {
        match self.ask("GET", &format!("/images/{}/json", image.digest().unwrap()), None).await {
            (200, found) => Some(found),
            (404, _) => None,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn delete(&self, image: &ImageRef) {
        let path = format!("/images/{}?force=1", image.digest().unwrap());
        let (status, answer) = self.ask("DELETE", &path, None).await;
        assert_eq!(status, 200, "{answer}");
    }
}

/// As the platform does it, by way of the crate that speaks to Docker.
#[async_trait]
impl Images for Engine {
    async fn keeps(&self, image: &ImageRef) -> bool {
        self.image(image).await.is_some()
    }

    async fn user(&self, image: &ImageRef) -> Result<ImageUser, UserUnknown> {
        let found = self.image(image).await.ok_or_else(|| UserUnknown::because("it is not there"))?;
        Ok(ImageUser::parse(found["Config"]["User"].as_str().unwrap_or_default()))
    }
}
