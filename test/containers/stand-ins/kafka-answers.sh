#!/bin/bash
# What the health check of the compose file calls: whether the broker listens.
exec 3<> /dev/tcp/127.0.0.1/9092
