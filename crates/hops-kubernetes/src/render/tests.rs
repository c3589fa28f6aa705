//! Rendered objects as reviewed text.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use hops_model::{
    AppName, ApplingName, CommitId, Desired, DesiredAppling, Environment, HostName, HttpPath, ImageRef, Port,
    ReleaseNumber, SecretName, Target, VariableName,
    app::{Amounts, Resources},
    desired::{DesiredValue, SecretMount, Sidecar},
    quantity::{Cpu, Memory},
};
use serde_json::Value;

use super::*;
use crate::{IngressSource, Tls, Wildcard, render_yaml};

pub(crate) fn target() -> Target {
    Target::new(AppName::parse("the_shop").unwrap(), Environment::Prod)
}

/// An appling with nothing but defaults.
pub(crate) fn appling(name: &str) -> DesiredAppling {
    let name = ApplingName::parse(name).unwrap();
    DesiredAppling {
        service: name.dns(),
        name,
        release: ReleaseNumber(3),
        image: ImageRef::parse(&format!("registry.example/the_shop/web@sha256:{}", "a".repeat(64))).unwrap(),
        aliases: Vec::new(),
        port: Port::DEFAULT,
        readiness_path: HttpPath::default_readiness(),
        liveness_path: None,
        replicas: 1,
        init: true,
        variables: BTreeMap::new(),
        secret_mounts: Vec::new(),
        routes: Vec::new(),
        resources: Resources::default(),
        sidecars: Vec::new(),
    }
}

pub(crate) fn desired(applings: Vec<DesiredAppling>) -> Desired {
    Desired {
        target: target(),
        release: ReleaseNumber(7),
        commit: CommitId::parse(&"c".repeat(40)).unwrap(),
        applings,
        last_good: BTreeMap::new(),
    }
}

fn set(appling: &mut DesiredAppling, name: &str, value: &str) {
    let value = DesiredValue::Literal(value.to_owned());
    appling.variables.insert(VariableName::parse(name).unwrap(), value);
}

/// Everything that an appling can have.
fn full() -> DesiredAppling {
    let mut web = appling("web_front");
    web.service = "the-shop-web-front".into();
    web.aliases = vec!["web-front".into()];
    web.replicas = 2;
    web.init = false;
    web.liveness_path = Some(HttpPath::parse("/alive").unwrap());
    web.routes = ["web-front.the-shop.example.com", "shop.example.org"].map(|h| HostName::parse(h).unwrap()).to_vec();
    set(&mut web, "HOPS_GIT_SHA", &"b".repeat(40));
    set(&mut web, "PRICE", "$5 or $(NOT_A_REFERENCE)");
    set(&mut web, "DEBUG", "yes");
    set(&mut web, "BUILD", "0x1F");
    web.variables.insert(
        VariableName::parse("API_KEY").unwrap(),
        DesiredValue::SecretKey { secret: SecretName::parse("payment").unwrap(), key: "api-key".into() },
    );
    web.secret_mounts =
        vec![SecretMount { secret: SecretName::parse("certificates").unwrap(), mount_path: "/certificates".into() }];
    web.resources = Resources {
        requests: Amounts { memory: Some(Memory::parse("0.5Gi").unwrap()), cpu: Some(Cpu::parse("0.1").unwrap()) },
        limits: Amounts { memory: Some(Memory::parse("1Gi").unwrap()), cpu: None },
    };
    web.sidecars = vec![Sidecar {
        name: ApplingName::parse("sql-proxy").unwrap(),
        image: ImageRef::parse("registry.example/sql-proxy:2").unwrap(),
        arguments: vec!["--port=5432".into(), "project:region:database".into()],
        variables: BTreeMap::new(),
        startup: Some((Port::new(9090).unwrap(), HttpPath::parse("/startup").unwrap())),
        resources: Resources::default(),
    }];
    web
}

fn check(desired: &Desired, settings: &Settings, kinds: &[&str], expected: &Expect) {
    let text: String = render_yaml(desired, settings)
        .split_inclusive("---\n")
        .map(|document| document.trim_end_matches("---\n"))
        .filter(|document| kinds.iter().any(|kind| document.contains(&format!("\nkind: {kind}\n"))))
        .map(|document| format!("---\n{document}"))
        .collect();
    expected.assert_eq(&text);
}

#[test]
fn a_minimal_appling() {
    let kinds = ["Namespace", "NetworkPolicy", "Service", "Deployment", "PodDisruptionBudget", "Ingress"];
    check(&desired(vec![appling("web")]), &Settings::default(), &kinds, &expect![[r#"
        ---
        apiVersion: v1
        kind: Namespace
        metadata:
          annotations:
            hops/commit: cccccccccccccccccccccccccccccccccccccccc
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/part-of: the_shop
            hops/app: the_shop
            hops/environment: prod
            hops/release: "7"
            pod-security.kubernetes.io/enforce: baseline
            pod-security.kubernetes.io/warn: restricted
          name: apps-the-shop-prod
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata:
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/part-of: the_shop
            hops/app: the_shop
            hops/environment: prod
          name: within-the-app
          namespace: apps-the-shop-prod
        spec:
          ingress:
          - from:
            - podSelector: {}
          podSelector: {}
          policyTypes:
          - Ingress
        ---
        apiVersion: v1
        kind: Service
        metadata:
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/name: web
            app.kubernetes.io/part-of: the_shop
            app.kubernetes.io/version: "3"
            hops/app: the_shop
            hops/appling: web
            hops/environment: prod
            hops/release: "3"
          name: web
          namespace: apps-the-shop-prod
        spec:
          ports:
          - name: http
            port: 3030
            protocol: TCP
            targetPort: http
          selector:
            hops/app: the_shop
            hops/appling: web
            hops/environment: prod
          type: ClusterIP
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/name: web
            app.kubernetes.io/part-of: the_shop
            app.kubernetes.io/version: "3"
            hops/app: the_shop
            hops/appling: web
            hops/environment: prod
            hops/release: "3"
          name: web
          namespace: apps-the-shop-prod
        spec:
          progressDeadlineSeconds: 180
          replicas: 1
          revisionHistoryLimit: 2
          selector:
            matchLabels:
              hops/app: the_shop
              hops/appling: web
              hops/environment: prod
          strategy:
            rollingUpdate:
              maxSurge: 100%
              maxUnavailable: 0
            type: RollingUpdate
          template:
            metadata:
              labels:
                app.kubernetes.io/instance: the_shop-prod
                app.kubernetes.io/managed-by: hops
                app.kubernetes.io/name: web
                app.kubernetes.io/part-of: the_shop
                app.kubernetes.io/version: "3"
                hops/app: the_shop
                hops/appling: web
                hops/environment: prod
                hops/release: "3"
            spec:
              automountServiceAccountToken: false
              containers:
              - image: >-
                  registry.example/the_shop/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
                lifecycle:
                  preStop:
                    sleep:
                      seconds: 5
                name: web
                ports:
                - containerPort: 3030
                  name: http
                  protocol: TCP
                readinessProbe:
                  failureThreshold: 2
                  httpGet:
                    path: /health
                    port: http
                    scheme: HTTP
                  periodSeconds: 2
                  successThreshold: 1
                  timeoutSeconds: 2
                securityContext:
                  allowPrivilegeEscalation: false
                  capabilities:
                    add:
                    - CHOWN
                    - DAC_OVERRIDE
                    - FOWNER
                    - FSETID
                    - KILL
                    - NET_BIND_SERVICE
                    - SETGID
                    - SETUID
                    drop:
                    - ALL
              enableServiceLinks: false
              securityContext:
                seccompProfile:
                  type: RuntimeDefault
              shareProcessNamespace: true
              terminationGracePeriodSeconds: 35
              topologySpreadConstraints:
              - labelSelector:
                  matchLabels:
                    hops/app: the_shop
                    hops/appling: web
                    hops/environment: prod
                matchLabelKeys:
                - pod-template-hash
                maxSkew: 1
                topologyKey: kubernetes.io/hostname
                whenUnsatisfiable: ScheduleAnyway
    "#]]);
}

#[test]
fn an_appling_with_everything() {
    let settings = Settings {
        tls: Tls {
            cluster_issuer: Some("letsencrypt".into()),
            wildcard: Some(Wildcard { domain: "the-shop.example.com".into(), secret: None }),
        },
        ingress_sources: vec![IngressSource::Namespace("ingress-nginx".into()), IngressSource::Cidr("10.0.0.0/24".into())],
        pull_secret: Some("registry".into()),
        ..Settings::default()
    };
    check(&desired(vec![full()]), &settings, &["Deployment"], &expect![[r#"
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          annotations:
            hops/commit: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/name: web_front
            app.kubernetes.io/part-of: the_shop
            app.kubernetes.io/version: "3"
            hops/app: the_shop
            hops/appling: web_front
            hops/environment: prod
            hops/release: "3"
          name: web-front
          namespace: apps-the-shop-prod
        spec:
          progressDeadlineSeconds: 180
          replicas: 2
          revisionHistoryLimit: 2
          selector:
            matchLabels:
              hops/app: the_shop
              hops/appling: web_front
              hops/environment: prod
          strategy:
            rollingUpdate:
              maxSurge: 100%
              maxUnavailable: 0
            type: RollingUpdate
          template:
            metadata:
              annotations:
                hops/commit: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
              labels:
                app.kubernetes.io/instance: the_shop-prod
                app.kubernetes.io/managed-by: hops
                app.kubernetes.io/name: web_front
                app.kubernetes.io/part-of: the_shop
                app.kubernetes.io/version: "3"
                hops/app: the_shop
                hops/appling: web_front
                hops/environment: prod
                hops/release: "3"
            spec:
              automountServiceAccountToken: false
              containers:
              - env:
                - name: API_KEY
                  valueFrom:
                    secretKeyRef:
                      key: api-key
                      name: payment
                - name: BUILD
                  value: "0x1F"
                - name: DEBUG
                  value: "yes"
                - name: HOPS_GIT_SHA
                  value: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
                - name: PRICE
                  value: $$5 or $$(NOT_A_REFERENCE)
                image: >-
                  registry.example/the_shop/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
                lifecycle:
                  preStop:
                    sleep:
                      seconds: 5
                livenessProbe:
                  failureThreshold: 3
                  httpGet:
                    path: /alive
                    port: http
                    scheme: HTTP
                  periodSeconds: 10
                  successThreshold: 1
                  timeoutSeconds: 2
                name: web-front
                ports:
                - containerPort: 3030
                  name: http
                  protocol: TCP
                readinessProbe:
                  failureThreshold: 2
                  httpGet:
                    path: /health
                    port: http
                    scheme: HTTP
                  periodSeconds: 2
                  successThreshold: 1
                  timeoutSeconds: 2
                resources:
                  limits:
                    memory: 1Gi
                  requests:
                    cpu: "0.1"
                    memory: 0.5Gi
                securityContext:
                  allowPrivilegeEscalation: false
                  capabilities:
                    add:
                    - CHOWN
                    - DAC_OVERRIDE
                    - FOWNER
                    - FSETID
                    - KILL
                    - NET_BIND_SERVICE
                    - SETGID
                    - SETUID
                    drop:
                    - ALL
                startupProbe:
                  failureThreshold: 2147483647
                  httpGet:
                    path: /alive
                    port: http
                    scheme: HTTP
                  periodSeconds: 1
                  successThreshold: 1
                  timeoutSeconds: 2
                volumeMounts:
                - mountPath: /certificates
                  name: secret-0
                  readOnly: true
              enableServiceLinks: false
              imagePullSecrets:
              - name: registry
              initContainers:
              - args:
                - --port=5432
                - project:region:database
                image: registry.example/sql-proxy:2
                name: sql-proxy
                restartPolicy: Always
                securityContext:
                  allowPrivilegeEscalation: false
                  capabilities:
                    add:
                    - CHOWN
                    - DAC_OVERRIDE
                    - FOWNER
                    - FSETID
                    - KILL
                    - NET_BIND_SERVICE
                    - SETGID
                    - SETUID
                    drop:
                    - ALL
                startupProbe:
                  failureThreshold: 2147483647
                  httpGet:
                    path: /startup
                    port: 9090
                    scheme: HTTP
                  periodSeconds: 1
                  successThreshold: 1
                  timeoutSeconds: 2
              securityContext:
                seccompProfile:
                  type: RuntimeDefault
              shareProcessNamespace: false
              terminationGracePeriodSeconds: 35
              topologySpreadConstraints:
              - labelSelector:
                  matchLabels:
                    hops/app: the_shop
                    hops/appling: web_front
                    hops/environment: prod
                matchLabelKeys:
                - pod-template-hash
                maxSkew: 1
                topologyKey: kubernetes.io/hostname
                whenUnsatisfiable: ScheduleAnyway
              volumes:
              - name: secret-0
                secret:
                  secretName: certificates
    "#]]);
    check(&desired(vec![full()]), &settings, &["Service", "PodDisruptionBudget"], &expect![[r#"
        ---
        apiVersion: policy/v1
        kind: PodDisruptionBudget
        metadata:
          annotations:
            hops/commit: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/name: web_front
            app.kubernetes.io/part-of: the_shop
            app.kubernetes.io/version: "3"
            hops/app: the_shop
            hops/appling: web_front
            hops/environment: prod
            hops/release: "3"
          name: web-front
          namespace: apps-the-shop-prod
        spec:
          maxUnavailable: 1
          selector:
            matchLabels:
              hops/app: the_shop
              hops/appling: web_front
              hops/environment: prod
          unhealthyPodEvictionPolicy: AlwaysAllow
        ---
        apiVersion: v1
        kind: Service
        metadata:
          annotations:
            hops/commit: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/name: web_front
            app.kubernetes.io/part-of: the_shop
            app.kubernetes.io/version: "3"
            hops/app: the_shop
            hops/appling: web_front
            hops/environment: prod
            hops/release: "3"
          name: the-shop-web-front
          namespace: apps-the-shop-prod
        spec:
          ports:
          - name: http
            port: 3030
            protocol: TCP
            targetPort: http
          selector:
            hops/app: the_shop
            hops/appling: web_front
            hops/environment: prod
          type: ClusterIP
        ---
        apiVersion: v1
        kind: Service
        metadata:
          annotations:
            hops/commit: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/name: web_front
            app.kubernetes.io/part-of: the_shop
            app.kubernetes.io/version: "3"
            hops/app: the_shop
            hops/appling: web_front
            hops/environment: prod
            hops/release: "3"
          name: web-front
          namespace: apps-the-shop-prod
        spec:
          ports:
          - name: http
            port: 3030
            protocol: TCP
            targetPort: http
          selector:
            hops/app: the_shop
            hops/appling: web_front
            hops/environment: prod
          type: ClusterIP
    "#]]);
    check(&desired(vec![full()]), &settings, &["NetworkPolicy", "Ingress"], &expect![[r#"
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata:
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/part-of: the_shop
            hops/app: the_shop
            hops/environment: prod
          name: within-the-app
          namespace: apps-the-shop-prod
        spec:
          ingress:
          - from:
            - podSelector: {}
          podSelector: {}
          policyTypes:
          - Ingress
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata:
          annotations:
            hops/commit: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/name: web_front
            app.kubernetes.io/part-of: the_shop
            app.kubernetes.io/version: "3"
            hops/app: the_shop
            hops/appling: web_front
            hops/environment: prod
            hops/release: "3"
          name: web-front-from-the-ingress
          namespace: apps-the-shop-prod
        spec:
          ingress:
          - from:
            - namespaceSelector:
                matchLabels:
                  kubernetes.io/metadata.name: ingress-nginx
            - ipBlock:
                cidr: 10.0.0.0/24
            ports:
            - port: http
              protocol: TCP
          podSelector:
            matchLabels:
              hops/app: the_shop
              hops/appling: web_front
              hops/environment: prod
          policyTypes:
          - Ingress
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata:
          annotations:
            cert-manager.io/cluster-issuer: letsencrypt
            hops/commit: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
          labels:
            app.kubernetes.io/instance: the_shop-prod
            app.kubernetes.io/managed-by: hops
            app.kubernetes.io/name: web_front
            app.kubernetes.io/part-of: the_shop
            app.kubernetes.io/version: "3"
            hops/app: the_shop
            hops/appling: web_front
            hops/environment: prod
            hops/release: "3"
          name: web-front
          namespace: apps-the-shop-prod
        spec:
          ingressClassName: nginx
          rules:
          - host: web-front.the-shop.example.com
            http:
              paths:
              - backend:
                  service:
                    name: the-shop-web-front
                    port:
                      name: http
                path: /
                pathType: Prefix
          - host: shop.example.org
            http:
              paths:
              - backend:
                  service:
                    name: the-shop-web-front
                    port:
                      name: http
                path: /
                pathType: Prefix
          tls:
          - hosts:
            - web-front.the-shop.example.com
          - hosts:
            - shop.example.org
            secretName: shop.example.org-tls
    "#]]);
}

#[test]
fn an_applings_objects_depend_on_itself_alone() {
    let one = render(&desired(vec![full()]), &Settings::default());
    let later = Desired {
        release: ReleaseNumber(8),
        commit: CommitId::parse(&"d".repeat(40)).unwrap(),
        ..desired(vec![full(), appling("api")])
    };
    let other = render(&later, &Settings::default());
    for object in one.iter().filter(|object| object.appling.is_some()) {
        assert!(other.contains(object), "{}", object.id);
    }
}

#[test]
fn yaml_reads_back_as_what_would_be_applied() {
    let desired = desired(vec![full(), appling("api")]);
    let text = render_yaml(&desired, &Settings::default());
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let bodies: Vec<Value> = render(&desired, &Settings::default()).into_iter().map(|object| object.body).collect();
    assert_eq!(documents, bodies);
    // `kubectl` reads YAML 1.1, where these would be a boolean and a number.
    assert!(text.contains("value: \"yes\"") || text.contains("value: 'yes'"), "{text}");
    assert!(text.contains("value: \"0x1F\"") || text.contains("value: '0x1F'"), "{text}");
}
