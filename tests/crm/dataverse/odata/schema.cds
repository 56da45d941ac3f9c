// Of Dataverse's tables what the connector reads and writes, under an ETag that every write makes anew.
@path: '/api/data/v9.2'
service Dataverse {
  @cds.query.limit: { default: 3, max: 3 }
  entity accounts {
    key accountid            : UUID;
        name                 : String;
        telephone1           : String;
        address1_city        : String;
        revenue              : Decimal;
        industrycode         : Integer;
        new_vip              : Boolean;
        new_renewal          : Date;
        new_seen             : DateTime;
        _parentaccountid_value : UUID;
        _modifiedby_value    : UUID;
        _ownerid_value       : UUID;
        merged               : Boolean;
        _masterid_value      : UUID;
        modifiedon           : Timestamp @cds.on.insert: $now @cds.on.update: $now;
        version              : UUID @odata.etag;
  }

  entity tasks {
    key activityid              : UUID;
        _regardingobjectid_value : UUID;
        subject                 : String;
        description             : String;
        statecode               : Integer;
        scheduledend            : DateTime;
        createdon               : Timestamp @cds.on.insert: $now;
        _ownerid_value          : UUID;
  }

  entity annotations {
    key annotationid     : UUID;
        _objectid_value  : UUID;
        subject          : String;
        notetext         : String;
        filename         : String;
        createdon        : Timestamp @cds.on.insert: $now;
        _createdby_value : UUID;
  }

  entity contacts {
    key contactid              : UUID;
        _parentcustomerid_value : UUID;
        fullname               : String;
        jobtitle               : String;
        telephone1             : String;
        emailaddress1          : String;
        statecode              : Integer;
        createdon              : Timestamp @cds.on.insert: $now;
  }
}
