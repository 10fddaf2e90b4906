#!/bin/sh
# What a short clip comes to: SHOPLIFT_KEY=… sh predict.sh CLIP
curl --silent --show-error --fail-with-body \
  --header "Authorization: Bearer $SHOPLIFT_KEY" \
  --form "file=@$1" \
  "${SHOPLIFT_SITE:-http://127.0.0.1:8000}/api/v1/predict"
