rule ingest:
    input:
        config=f"{OUT}/config/ingest.json",
        metadata=metadata_files(cfg),
        assets=asset_stamps(cfg),
    output:
        clips=f"{OUT}/clips.parquet",
        ledger=f"{OUT}/clips.ledger.json",
        scenes=directory(f"{OUT}/scenes"),
    log:
        f"{OUT}/logs/ingest.log",
    benchmark:
        f"{OUT}/benchmarks/ingest.tsv"
    threads: workflow.cores
    shell:
        "balsa ingest --config {input.config} --out {output.clips} --ledger {output.ledger}"
        " --scenes {output.scenes} --workers {threads} 2> >(tee {log} >&2)"
