//! The systemd unit that `hops up --print-unit` prints.

use std::{
    env,
    path::{self, Path},
};

use anyhow::Context;

use crate::{
    args::UpArgs,
    failure::{Blame, Failure},
};

/// The unit of a platform with these arguments.
pub(crate) fn unit(arguments: &UpArgs) -> Result<String, Failure> {
    let program = env::current_exe().context("cannot tell where this program is")?;
    let absolute = |path: &Path| {
        path::absolute(path).with_context(|| format!("cannot tell where `{}` is", path.display())).users()
    };
    let mut words = vec![program.display().to_string(), "up".to_owned()];
    if let Some(config) = &arguments.configuration.config {
        words.extend(["--config".to_owned(), absolute(config)?.display().to_string()]);
    }
    if let Some(state) = &arguments.configuration.state {
        words.extend(["--state".to_owned(), absolute(state)?.display().to_string()]);
    }
    if let Some(listen) = arguments.listen.listen {
        words.extend(["--listen".to_owned(), listen.to_string()]);
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    Ok(UNIT.replace("{command}", &words.join(" ")))
}

/// A word of a command as systemd reads it (`systemd.service(5)`, "Command lines").
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    if escaped.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '\\')) {
        format!("\"{escaped}\"")
    } else {
        escaped
    }
}

const UNIT: &str = "\
# Put this into /etc/systemd/system/hops.service, then: systemctl daemon-reload && systemctl enable --now hops
# Apps run in Docker, not in this unit: stopping or restarting it leaves them alone.

[Unit]
Description=HOPS, the platform on this machine
# Wanted and not required: HOPS goes on while Docker restarts, and mends what changed afterwards.
Wants=network-online.target docker.service
After=network-online.target docker.service
# However often it fails while Docker is away, it is tried again.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
# Certificates from files are read anew, and what could not be ordered is tried again.
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
TimeoutStartSec=2min
# Requests in hand may end; new connections wait in the sockets that systemd keeps meanwhile.
TimeoutStopSec=2min
FileDescriptorStoreMax=512
KillMode=mixed
LimitNOFILE=1048576
# Where memory runs out, an app or a build goes before the way to all of them.
OOMScoreAdjust=-500

# Whoever may use Docker's socket may do anything on this machine; so these keep accidents small, not attackers out.
NoNewPrivileges=yes
ProtectSystem=full
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
PrivateTmp=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

[Install]
WantedBy=multi-user.target
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_the_program_as_they_are() {
        assert_eq!(quoted("/usr/bin/hops"), "/usr/bin/hops");
        assert_eq!(quoted("/srv/my state"), "\"/srv/my state\"");
        assert_eq!(quoted("/srv/100%"), "/srv/100%%");
        assert_eq!(quoted("/srv/$HOME"), "/srv/$$HOME");
        assert_eq!(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
    }
}
