from __future__ import annotations

from targets.far_places import gateways, place, rclone, s3_server, ssh_server

__all__ = ["gateways", "place", "rclone", "s3_server", "ssh_server"]
