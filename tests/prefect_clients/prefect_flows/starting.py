"""Start a run of a deployment and wait for it: `starting.py DEPLOYMENT PARAMETERS`."""

import asyncio
import json
import sys

from prefect.deployments import run_deployment
from prefect.flow_runs import wait_for_flow_run

if __name__ == "__main__":
    deployment, parameters = sys.argv[1], json.loads(sys.argv[2])
    run = run_deployment(deployment, parameters=parameters, timeout=0)
    print(json.dumps({"started": str(run.id)}), flush=True)
    finished = asyncio.run(wait_for_flow_run(run.id, timeout=120))
    print(json.dumps({"state": finished.state_name}), flush=True)
