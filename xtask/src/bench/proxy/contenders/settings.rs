//! How each is set up: as somebody would who wants it to be fast, and with the headers that an app behind a proxy needs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use serde_json::{Value, json};

use super::{BACKEND, HOST, Wanted};

/// Idle connections to the backend that each may keep.
const KEPT: u32 = 512;

pub(super) fn hops(program: &Path, wanted: &Wanted<'_>) -> Command {
    let mut command = Command::new(program);
    command.arg(format!("--https={}", wanted.https));
    if wanted.logs {
        command.arg("--access-log");
    }
    command.arg(wanted.http.to_string()).arg(BACKEND.to_string());
    command
}

/// `proxy_buffering` and the rest are nginx' own defaults.
pub(super) fn nginx(wanted: &Wanted<'_>) -> Result<Command> {
    let Wanted { http, https, folder, certificate, key, logs } = wanted;
    let log = if *logs { format!("{}", folder.join("access.log").display()) } else { "off".to_owned() };
    let server = format!(
        "upstream backend {{ server {BACKEND}; keepalive {KEPT}; keepalive_requests 1000000000; }}
  server {{
    listen {http} backlog=4096;
    listen {https} ssl http2 backlog=4096;
    server_name {HOST};
    ssl_certificate {};
    ssl_certificate_key {};
    location / {{
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Id $request_id;
    }}
  }}",
        certificate.display(),
        key.display()
    );
    nginx_with(folder, &log, &server)
}

pub(super) fn backend(folder: &Path) -> Result<Command> {
    let server = format!(
        "server {{
    listen {BACKEND} backlog=4096;
    root {};
    default_type text/plain;
    location = /small {{ return 200 'all is well here'; }}
  }}",
        folder.display()
    );
    nginx_with(folder, "off", &server)
}

fn nginx_with(folder: &Path, log: &str, server: &str) -> Result<Command> {
    let text = format!(
        "daemon off;
# Started by root, workers would be somebody who may not read below root's home.
user root;
worker_processes auto;
worker_rlimit_nofile 65536;
pid {0}/pid;
error_log stderr warn;
events {{ worker_connections 16384; }}
http {{
  access_log {log};
  sendfile on;
  tcp_nopush on;
  # Its default of a thousand would close connections under the load.
  keepalive_requests 1000000000;
  client_body_temp_path {0}/body;
  proxy_temp_path {0}/proxy;
  fastcgi_temp_path {0}/fastcgi;
  uwsgi_temp_path {0}/uwsgi;
  scgi_temp_path {0}/scgi;
  {server}
}}
",
        folder.display()
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text)?;
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-p").arg(folder).arg("-c").arg(file).args(["-e", "stderr"]);
    Ok(command)
}

pub(super) fn traefik(program: &Path, wanted: &Wanted<'_>) -> Result<Command> {
    let Wanted { http, https, folder, certificate, key, logs } = wanted;
    let write = |name: &str, value: &Value| -> Result<PathBuf> {
        let file = folder.join(name);
        fs::write(&file, value.to_string())?;
        Ok(file)
    };
    let routes = json!({
        "http": {
            "routers": {
                "clear": { "entryPoints": ["web"], "rule": format!("Host(`{HOST}`)"), "service": "backend" },
                "tls": { "entryPoints": ["websecure"], "rule": format!("Host(`{HOST}`)"), "service": "backend", "tls": {} },
            },
            "services": { "backend": { "loadBalancer": {
                "servers": [{ "url": format!("http://{BACKEND}") }],
                "serversTransport": "kept",
            } } },
            "serversTransports": { "kept": { "maxIdleConnsPerHost": KEPT } },
        },
        "tls": { "certificates": [{ "certFile": certificate, "keyFile": key }] },
    });
    let routes = write("routes.yaml", &routes)?;
    let mut settings = json!({
        "global": { "checkNewVersion": false, "sendAnonymousUsage": false },
        "log": { "level": "WARN" },
        "entryPoints": {
            "web": { "address": http.to_string() },
            "websecure": { "address": https.to_string() },
        },
        "providers": { "file": { "filename": routes, "watch": false } },
    });
    if *logs {
        settings["accessLog"] = json!({ "filePath": folder.join("access.log") });
    }
    let mut command = Command::new(program);
    command.arg(format!("--configFile={}", write("traefik.yaml", &settings)?.display()));
    Ok(command)
}
