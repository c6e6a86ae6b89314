create table messages (
  uuid uuid primary key,
  sender_uuid uuid not null,
  conversation_uuid uuid not null,
  content text not null,
  type text not null,
  link text,
  channel text not null,
  subchannel text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  meta_data jsonb,
  origin text not null,
  alma_internal_organization uuid not null
);
create index messages_by_conversation on messages (conversation_uuid, created_at);
