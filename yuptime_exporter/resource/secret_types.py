"""Types of Secrets that are not watched."""

# Types of Secrets that hold no push token. The releases of Helm alone are most of the Secrets of a
# cluster. A token in a Secret of one of these types needs --kubernetes.secrets=get.
UNWATCHED_TYPES = (
    "helm.sh/release.v1",
    "kubernetes.io/service-account-token",
    "kubernetes.io/dockercfg",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/tls",
    "bootstrap.kubernetes.io/token",
)
