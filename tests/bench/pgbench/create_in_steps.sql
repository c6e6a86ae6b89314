\set conversation random(0, :conversations - 1)
begin;
update revisions set revision = revision + 1 where alma_internal_organization = :organization returning revision \gset
update conversations set message_count = message_count + 1, last_message_index = coalesce(last_message_index, -1) + 1, last_message_at = now() where alma_internal_organization = :organization and uuid = ('0190f5fe-1111-7000-8000-' || lpad((:conversation)::text, 12, '0'))::uuid and deleted_at is null returning uuid as conversation_uuid, last_message_index \gset
insert into messages (alma_internal_organization, uuid, sender_uuid, conversation_uuid, content, type, channel, created_at, updated_at, origin, message_index, revision) values (:organization, gen_random_uuid(), '0190f5fe-3333-7000-8000-000000000001', :conversation_uuid, 'Do you have a course that starts in March? I would like to know what it costs, thank you.', 'TEXT', 'WHATSAPP', now(), now(), 'bench', :last_message_index, :revision);
commit;
