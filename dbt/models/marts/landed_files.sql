with files as (
    select * from {{ source('landing', 'landed_files') }}
),

final as (
    select
        path,
        topic,
        bytes,
        modified_ns,
        problem,
        problem is null as is_read,
        project_hash
    from files
)

select * from final
