"""nginx as a gRPC proxy without keys: what Alma's gateway is compared with."""

import shutil
import subprocess
import time

import lab

# One worker, as it does best on two processors that it shares; connections to both sides are kept.
CONFIGURATION = """\
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  http2_max_concurrent_streams 512;
  upstream backend {{
    server {backend};
    keepalive 64;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }}
  server {{
    listen unix:{folder}/socket http2;
    location / {{ grpc_pass grpc://backend; }}
  }}
}}
"""


def program():
    """That of the machine, or else the package's without installing it: the package would start a
    server for the whole machine, now and at each boot."""
    found = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if found:
        return found
    unpacked = lab.ROOT / "build/tools/nginx"
    if not (unpacked / "usr/sbin/nginx").exists():
        lab.say("Unpacking nginx into build/tools")
        unpacked.mkdir(parents=True, exist_ok=True)
        lab.run(["apt-get", "-qq", "download", "nginx"], cwd=unpacked)
        for package in unpacked.glob("nginx_*.deb"):
            lab.run(["dpkg-deb", "-x", package, unpacked])
            package.unlink()
    return str(unpacked / "usr/sbin/nginx")


def version():
    return subprocess.run([program(), "-v"], capture_output=True, text=True).stderr.strip()


def start(the_lab, backend):
    """The process and its address, in front of the backend at `backend`."""
    folder = the_lab.new_folder("nginx")
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, backend=backend))
    command = [program(), "-p", folder, "-e", folder / "error.log", "-c", configuration]
    lab.run([*command, "-t"])
    process = the_lab.start(command)
    while process.running() and not (folder / "socket").exists():
        time.sleep(0.01)
    return process, f"unix:{folder}/socket"
