# metadata -> clips -> seed prompts -> samples -> dataset -> model -> metrics -> report
include: "workflow/rules/common.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/compose.smk"
include: "workflow/rules/synthesize.smk"
include: "workflow/rules/curate.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        report=f"{OUT}/report.html",
        metrics=f"{OUT}/metrics.json",
        dataset=f"{OUT}/dataset/README.md",
    localrule: True
