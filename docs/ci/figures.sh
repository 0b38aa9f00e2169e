#!/bin/sh
# Runs under `taskgate run --workflow figures`. Each step is a grant of its own below the workflow's, ends with its
# command, and can do nothing but what its task says.
set -eu
taskgate run --task figures-orders -- psql -XAtc 'select status, count(*) from orders group by status order by 1'
taskgate run --task figures-countries -- psql -XAtc 'select country, count(*) from customers group by country order by 1'
# Narrower still than its task: one column, twenty rows.
taskgate run --task figures-items --narrow '{"allow": [{"select": "public.order_items", "columns": ["id"]}], "limits": {"rows": 20}}' \
  -- psql -XAtc 'select count(id) from order_items'
