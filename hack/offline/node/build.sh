#!/bin/bash
# Builds a node image for `kind create cluster --image IMAGE` out of Go modules and Debian packages,
# for a machine that reaches no image registry. Needs root on Debian, docker, debootstrap, go.
# Usage: build.sh IMAGE CACHE_FOLDER  (on 2 cores about 11 minutes the first time, then about 1)
set -euo pipefail
image=${1:?usage: build.sh IMAGE CACHE_FOLDER}
work=${2:?usage: build.sh IMAGE CACHE_FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
path='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
mkdir -p "$work/bin" "$work/debs"

# One build at a time. Each child holds the lock, too: a build whose caller was killed is waited for.
exec 9>"$work/build.lock"
flock --nonblock 9 || { echo 'another process builds a node image; waiting for it'; flock 9; }
if docker image inspect "$image" >/dev/null 2>&1; then exit; fi

steps=14 step=0
announce() { step=$((step + 1)); echo "node image, part $step of $steps: $*"; }

version=$(cd "$here/k8s" && go list -m -f '{{.Version}}' k8s.io/kubernetes)

build() { # MODULE_DIR PACKAGE BINARY [LDFLAGS]
  announce "compiling $3"
  (cd "$here/$1" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w ${4:-}" -o "$work/bin/$3" "$2")
}
stamp="-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$version") -X k8s.io/component-base/version.gitTreeState=clean"
for command in kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubeadm kubectl; do
  build k8s "k8s.io/kubernetes/cmd/$command" "$command" "$stamp"
done
build etcd go.etcd.io/etcd/server/v3 etcd
build coredns github.com/coredns/coredns coredns
build pause . pause

debian_root() { # NAME PACKAGES
  announce "a Debian root for $1"
  local root=$work/$1-root
  [ -f "$root.complete" ] && [ "$(cat "$root.complete")" = "$2" ] && return
  rm -rf "$root" "$root.complete"
  debootstrap --variant=minbase --cache-dir="$work/debs" --include="$2" bookworm "$root" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; exit 1; }
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}
  printf '%s' "$2" >"$root.complete"
}
debian_root node containerd,runc,iptables,iproute2,conntrack,mount,util-linux,procps,containernetworking-plugins,ca-certificates,hostname
debian_root proxy iptables,nftables,kmod

# The images that kubeadm asks for, under the names that `kubeadm config images list` prints.
announce 'images of the control plane'
mapfile -t wanted < <("$work/bin/kubeadm" config images list --kubernetes-version "$version")
named() { printf '%s\n' "${wanted[@]}" | grep "/$1:"; }
single() { # IMAGE BINARY DEST [docker import args]
  local context; context=$(mktemp -d)
  install -D "$work/bin/$2" "$context/$3"
  tar -C "$context" -c . | docker import "${@:4}" - "$1" >/dev/null
  rm -rf "$context"
}
for component in kube-apiserver kube-controller-manager kube-scheduler etcd; do
  single "$(named $component)" $component usr/local/bin/$component -c "$path"
done
single "$(named coredns)" coredns coredns -c 'ENTRYPOINT ["/coredns"]' -c 'WORKDIR /'
single "$(named pause)" pause pause -c 'ENTRYPOINT ["/pause"]'
install "$work/bin/kube-proxy" "$work/proxy-root/usr/local/bin/"
tar -C "$work/proxy-root" -c . | docker import -c "$path" - "$(named kube-proxy)" >/dev/null

# The node itself: binaries, the files that the kind CLI reads, our init.
announce 'the node, with those images inside'
root=$work/node-root
install "$work"/bin/{kubeadm,kubelet,kubectl} "$root/usr/bin/"
install "$here"/{entrypoint,open-volumes,podnet} "$root/usr/local/bin/"
install -D -m 644 "$here/containerd.toml" "$root/etc/containerd/config.toml"
sed -i "s|@PAUSE@|$(named pause)|" "$root/etc/containerd/config.toml"
install -D -m 644 "$here"/default-{cni,storage}.yaml -t "$root/kind/manifests/"
mkdir -p "$root/etc/kubernetes/manifests"
printf '%s' "$version" >"$root/kind/version"
tar -C "$root" -c . | docker import -c "$path" -c 'ENV container=docker' - "$image-empty" >/dev/null

# Preload the images into the node's own containerd: blobs only, unpacked on first use.
builder=kind-node-image-builder
docker rm -f "$builder" >/dev/null 2>&1 || true # left by an interrupted run
trap 'docker rm -f "$builder" >/dev/null' EXIT
docker run -d --name "$builder" --privileged "$image-empty" containerd >/dev/null
until docker exec "$builder" ctr version >/dev/null 2>&1; do sleep 0.5; done
for name in "${wanted[@]}"; do
  docker save "$name" | docker exec -i "$builder" ctr -n k8s.io images import --no-unpack --digests - >/dev/null
done
docker stop -t 5 "$builder" >/dev/null
docker commit -c 'ENTRYPOINT ["/usr/local/bin/entrypoint"]' -c 'CMD []' "$builder" "$image" >/dev/null
trap - EXIT
docker rm -f "$builder" >/dev/null
docker rmi "${wanted[@]}" "$image-empty" >/dev/null
echo "$image: Kubernetes $version, $(docker image inspect -f '{{.Size}}' "$image") bytes"
