# The only Python of the workflow: the checked config, the run's folder, its shards.
import sys

from balsa_pipe.errors import BalsaError, one_line
from balsa_pipe.workflow import (
    asset_stamps,
    claim_folder,
    metadata_files,
    prompt_files,
    read_workflow,
    require_metadata,
    stage_json,
)

# The tools of this environment come first, whether or not it was activated.
shell.prefix(f"export PATH={Path(sys.executable).parent}:$PATH; ")

try:
    if workflow.is_main_process and not workflow.output_settings.dryrun:
        folder_lock = claim_folder(Path("data"))
    cfg = read_workflow(config, workflow.overwrite_configfiles)
    require_metadata(cfg)
except BalsaError as error:
    print(f"balsa: {one_line(error)}", file=sys.stderr)
    sys.exit(2)

OUT = f"data/{cfg.run}"
SHARDS = [f"{index:05d}" for index in range(cfg.compose.shards)]


wildcard_constraints:
    shard=r"\d{5}",
    stage="[a-z]+",


container: "docker://python:3.11"


localrules:
    stage_config,


rule stage_config:
    output:
        section=f"{OUT}/config/{{stage}}.json",
    log:
        f"{OUT}/logs/stage_config/{{stage}}.log",
    params:
        section=lambda wildcards: stage_json(cfg, wildcards.stage),
    shell:
        "printf '%s\n' {params.section:q} > {output.section}.partial 2> {log}"
        " && mv {output.section}.partial {output.section}"
