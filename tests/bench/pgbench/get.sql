\set message random(0, :messages - 1)
select alma_internal_organization, uuid, sender_uuid, conversation_uuid, content, type, link, channel, subchannel, created_at, updated_at, meta_data, origin, message_index, external_id, revision, deleted_at from messages where alma_internal_organization = :organization and uuid = ('0190f5fe-2222-7000-8000-' || lpad((:message)::text, 12, '0'))::uuid;
